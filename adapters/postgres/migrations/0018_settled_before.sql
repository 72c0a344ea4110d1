-- Orders that were settled by an older release are looked at, and their books say what ours would.
--
-- Since a refund, a dispute or a second payment is looked for after an order was settled, one has a
-- `look_at` all its life; an older release took it away. Spread over a day, so that no provider is
-- asked for all of them at once; what is older than the last look is left alone (`looks.py`).
update purchase_order
set look_at = now() + random() * interval '1 day'
where look_at is null and checkout_id is not null
    and state not in
        ('opening', 'waiting', 'processing', 'underpaid', 'expired', 'cancelled', 'failed')
    and expires_at > now() - interval '125 days';

-- What went back and was the customer's was booked under `order:<order>:returned:<total>`, once the
-- order was wholly refunded or disputed and had never been sold; now it is booked with each change,
-- from what the order knew before (`booking.py`), and of second payments as well. So what an order
-- knows already has to be in the books: the difference is booked here, once for each order and
-- currency, and a report that is delivered again finds nothing to do.
with charge as (
    select o.order_id, o.chat_id, o.sold, c ->> 'currency' as currency,
        (c ->> 'received')::numeric as received,
        least((c ->> 'received')::numeric,
            (c ->> 'refunded')::numeric + (c ->> 'disputed')::numeric
            - coalesce((c ->> 'reinstated')::numeric, 0)) as back,
        (c ->> 'live')::boolean = o.live and c ->> 'currency' = o.currency
            and c ->> 'parent' is null
            and (c ->> 'standing' <> 'failed' or o.sold is not null) as pays
    from purchase_order as o cross join json_array_elements(o.charges::json) as c
    where (c ->> 'live')::boolean or not o.live
), owed as (
    select order_id, chat_id, currency,
        coalesce(least(sum(back) filter (where pays),
            sum(received) filter (where pays) - coalesce(sold, 0)), 0)
        + coalesce(sum(back) filter (where not pays), 0) as returned
    from charge group by order_id, chat_id, sold, currency
), booked as (
    select split_part(t.key, ':', 2) as order_id, e.currency, sum(e.amount) as returned
    from ledger_transfer as t join ledger_entry as e using (transfer_id)
    where t.key ~ '^order:[^:]*:returned:' and e.account like 'customer:%'
    group by 1, 2
), change as (
    select order_id, chat_id, currency, owed.returned - coalesce(booked.returned, 0) as amount
    from owed left join booked using (order_id, currency)
)
select ledger_post(
    'order:' || order_id || ':returned:before:' || currency,
    array['customer:' || chat_id, 'refunds'], array[currency, currency], array[amount, -amount]
)
from change where amount <> 0;
