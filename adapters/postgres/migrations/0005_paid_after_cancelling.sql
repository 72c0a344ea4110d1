-- Whoever cancels may have paid all the same, so that his record is asked about like that of
-- somebody who waits. Without a record there is nothing to pay.
drop index user_session_awaiting_payment;

create index user_session_payment on user_session (record_id, chat_id)
    where state in ('awaiting_payment', 'cancelled') and record_id is not null;
