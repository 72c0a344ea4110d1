-- What providers say of their charges, taken together; one row per charge, which only moves forward.
--
-- received, refunded, disputed   totals, in `currency`; fee is one in its own currency
-- chat_id                        the customer, once an order of ours is known for the charge
-- version                        counts the changes; news_version: the newest that concerns the order;
-- recorded_version               the newest that the order has recorded, by its own transaction
create table payment (
    rail             text           not null,
    payment_id       text           not null,
    order_id         text,
    chat_id          bigint,
    standing         text           not null,
    currency         text           not null,
    received         numeric(38, 9) not null check (received >= 0),
    refunded         numeric(38, 9) not null check (refunded >= 0),
    disputed         numeric(38, 9) not null check (disputed >= 0),
    fee              numeric(38, 9) check (fee >= 0),
    fee_currency     text,
    live             boolean        not null,
    parent           text,
    version          int            not null check (version > 0),
    news_version     int            not null check (news_version between 0 and version),
    recorded_version int            not null default 0 check (recorded_version between 0 and news_version),
    first_seen_at    timestamptz    not null,
    changed_at       timestamptz    not null,
    primary key (rail, payment_id),
    check ((fee is null) = (fee_currency is null)),
    check (chat_id is null or order_id is not null)
);

create index payment_order on payment (order_id) where order_id is not null;

create index payment_unrecorded on payment (rail, payment_id) where recorded_version < news_version;

create index payment_unmatched on payment (first_seen_at) where chat_id is null and received > 0;

-- Raises a unique violation, which callers hear as `Conflict`: somebody else was faster.
create function conflict_unless(held boolean, why text) returns void language plpgsql as $$
begin
    if not held then
        raise exception '%', why using errcode = 'unique_violation';
    end if;
end
$$;

-- Which payments administrators have been told of.
--
-- pending -> sending -> sent | failed     told once at most: `sending` is stored before it is told
--               |   -> unknown            no answer came, or the process ended meanwhile
--            late                         never told, because it was no news any more
create table admin_notice (
    rail       text        not null,
    payment_id text        not null,
    state      text        not null default 'pending'
        check (state in ('pending', 'sending', 'sent', 'unknown', 'failed', 'late')),
    detail     text        not null default '',
    noted_at   timestamptz not null,
    moved_at   timestamptz not null,
    primary key (rail, payment_id),
    foreign key (rail, payment_id) references payment
);

create index admin_notice_open on admin_notice (noted_at) where state in ('pending', 'sending');

-- The ledger: double entry. A transfer is written once, with all of its entries, and never changes.
-- `key` says which fact it books, so that none is booked twice; `entries` is how many it has.
create table ledger_transfer (
    transfer_id bigint      generated always as identity primary key,
    key         text        not null unique check (key <> ''),
    entries     int         not null check (entries >= 2),
    booked_at   timestamptz not null default now()
);

create table ledger_entry (
    transfer_id bigint         not null references ledger_transfer,
    account     text           not null check (account <> ''),
    currency    text           not null check (currency <> ''),
    amount      numeric(38, 9) not null check (amount <> 0),
    primary key (transfer_id, account, currency)
);

create index ledger_entry_account on ledger_entry (account, currency, transfer_id);

-- The sums of the entries, kept by a trigger, so that nobody has to add them up.
create table ledger_balance (
    account  text           not null,
    currency text           not null,
    balance  numeric(38, 9) not null,
    primary key (account, currency)
) with (fillfactor = 50);

create function ledger_add_up() returns trigger language plpgsql as $$
begin
    insert into ledger_balance as b (account, currency, balance)
    select account, currency, sum(amount) from added group by account, currency
    order by account, currency
    on conflict (account, currency) do update set balance = b.balance + excluded.balance;
    return null;
end
$$;

create trigger ledger_entry_adds_up after insert on ledger_entry
    referencing new table as added for each statement execute function ledger_add_up();

-- At the end of the transaction: every transfer has all of its entries, no others were added to an
-- old one, and they sum to zero in each currency.
create function ledger_check() returns trigger language plpgsql as $$
declare
    told   int;
    counted int;
begin
    select entries into told from ledger_transfer where transfer_id = new.transfer_id;
    select count(*) into counted from ledger_entry where transfer_id = new.transfer_id;
    if told <> counted then
        raise exception 'ledger: a transfer of % entries has %', told, counted
            using errcode = 'check_violation';
    end if;
    if exists (
        select from ledger_entry where transfer_id = new.transfer_id
        group by currency having sum(amount) <> 0
    ) then
        raise exception 'ledger: a transfer does not sum to zero' using errcode = 'check_violation';
    end if;
    return null;
end
$$;

create constraint trigger ledger_transfer_balances after insert on ledger_transfer
    deferrable initially deferred for each row execute function ledger_check();

create constraint trigger ledger_entry_balances after insert on ledger_entry
    deferrable initially deferred for each row execute function ledger_check();

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger: what is booked never changes; correct it by another transfer'
        using errcode = 'restrict_violation';
end
$$;

create trigger ledger_transfer_never_changes before update or delete or truncate on ledger_transfer
    for each statement execute function ledger_refuse_change();

create trigger ledger_entry_never_changes before update or delete or truncate on ledger_entry
    for each statement execute function ledger_refuse_change();

-- Book a transfer. Booked twice, it is there once; SQLSTATE LE001 refuses a key that stands for
-- other entries, and with it the whole transaction.
create function ledger_post(told text, accounts text[], currencies text[], amounts numeric[])
returns void language plpgsql as $$
declare
    posted bigint;
begin
    insert into ledger_transfer (key, entries) values (told, cardinality(accounts))
    on conflict (key) do nothing returning transfer_id into posted;
    if posted is not null then
        insert into ledger_entry (transfer_id, account, currency, amount)
        select posted, * from unnest(accounts, currencies, amounts);
    elsif (
        select array_agg((e.account, e.currency, e.amount::numeric(38, 9))::text
            order by e.account, e.currency)
        from ledger_entry as e join ledger_transfer as t using (transfer_id) where t.key = told
    ) is distinct from (
        select array_agg((a.account, a.currency, a.amount::numeric(38, 9))::text
            order by a.account, a.currency)
        from unnest(accounts, currencies, amounts) as a (account, currency, amount)
    ) then
        raise exception 'ledger: the key % stands for another transfer', told using errcode = 'LE001';
    end if;
end
$$;
