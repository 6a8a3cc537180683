"""The sales that every pipeline of the retailer reads: one row per line of a receipt, told in UTC without saying so."""

from daybreak import EventTable

SALES = EventTable(table="retail.transactions", at="transaction_timestamp", timezone="UTC")
