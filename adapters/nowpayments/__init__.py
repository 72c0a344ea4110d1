"""NOWPayments: invoices in coins, and the notifications (IPN) that say how they are paid."""
