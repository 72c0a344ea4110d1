-- Whose events are due, source by source: each has places of its own in the work, and however many
-- of one wait, the first ones of another are found at once.
create index provider_event_source on provider_event (source, event_id) where state = 'pending';
