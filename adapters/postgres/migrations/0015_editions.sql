-- What a started broadcast is about to do, and what it says by now.
--
-- prepared  whoever is to be told is written down; before that no request may begin
-- again     the outcomes that are tried again; without any it is the first time
-- edition   how often its content was changed after it had started: a letter with older content
--           is not sent any more
alter table broadcast
    add column prepared boolean not null default false,
    add column again    text[]  not null default '{}',
    add column edition  int     not null default 0;

-- Until now recipients were written down in the transaction of the start.
update broadcast set prepared = true where started_at is not null;
