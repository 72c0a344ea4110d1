-- How the last dispatcher ended, so that the next one does not exceed Telegram's limits with it.
--
-- quiet_since  when it sent something last, if it stopped in an orderly way; null while one is at
--              work, and after a kill
alter table dispatcher add column quiet_since timestamptz;

-- What was sent to groups in the minute before such an end: until when each message counts.
create table group_minute (
    chat_id      bigint        primary key,
    counts_until timestamptz[] not null
);
