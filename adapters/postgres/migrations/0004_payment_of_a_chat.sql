-- A payment belongs to a record and a chat: NocoDB on sqlite gives the id of a deleted newest row
-- to the next one, so that two chats may wait for one record, of which one has paid.
alter table seen_payment add column chat_id bigint;

update seen_payment set chat_id = waits.chat_id
    from (
        select record_id, min(chat_id) as chat_id from user_session
        where state = 'awaiting_payment'
        group by record_id having count(*) = 1
    ) as waits
    where waits.record_id = seen_payment.record_id;

-- Nobody waits for these, or two do and who has paid is not known: they are asked about again.
delete from seen_payment where chat_id is null;

alter table seen_payment drop constraint seen_payment_pkey;
alter table seen_payment add primary key (record_id, chat_id);
