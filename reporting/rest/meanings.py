"""What the fields of bodies and answers mean, for the documentation, where a field does not say so itself."""

_REASON = "unsubscribed, complained, bounced, manual or legal."
_NEXT = "The cursor of the next page; null at the end."
_TIME = "RFC 3339, in UTC."
_FIELDS = "What you keep about the person: first, last, city … and custom_…"
_KEY = "Your own name for the person, or null."
_ADDRESSES = "1 to 10,000 email addresses and phone numbers."
_REJECTED = "Those that cannot be used, for which nothing was done."
_MEDIUM = "email or sms."

# schema.field → what it means
MEANINGS: dict[str, str] = {
    "ListOut.name": "As the owner named it.",
    "ListOut.description": "What recipients read about it.",
    "ListOut.is_do_not_mail": "Whether it is number 0, which holds for every list.",
    "ListOut.is_closed": "Whether it is no longer used. Its opt-outs still hold.",
    "ListOut.created_at": _TIME,
    "ListsOut.lists": "By number.",
    "ListsOut.next": _NEXT,
    "ListContactOut.id": "What `/contacts/{id}` knows it by.",
    "ListContactOut.address": "As Heed writes it.",
    "ListContactOut.fields": _FIELDS,
    "ListContactOut.customer_key": _KEY,
    "ListContactsOut.contacts": "Contacts that may be mailed for the list.",
    "ListContactsOut.next": _NEXT,
    "NewSuppressions.addresses": _ADDRESSES,
    "NewSuppressions.reason": "Why, for all of them. Left out: unsubscribed.",
    "Recorded.recorded": "How many were written down: new and already together.",
    "Recorded.new": "Of those, how many are suppressed from now on.",
    "Recorded.already": "Of those, how many were suppressed before. The request is kept all the same.",
    "Recorded.rejected": _REJECTED,
    "Rejected.index": "Where the address stood among those that you sent; the first is 0.",
    "Rejected.detail": "What is wrong with it, for people. It does not repeat the address.",
    "SuppressionOut.reason": _REASON,
    "SuppressionsOut.suppressions": "Those of this list alone: those of Do Not Mail hold as well.",
    "SuppressionsOut.next": _NEXT,
    "Lifts.addresses": _ADDRESSES,
    "Lifts.reason": "Why, in your own words; 1 to 300 characters.",
    "Lifted.lifted": "How many addresses this list suppressed until now, and no longer does.",
    "Lifted.not_suppressed": "How many this list did not suppress. Do Not Mail may still do so.",
    "Lifted.rejected": _REJECTED,
    "Lookup.list": "The number of the list that you want to send for.",
    "Lookup.addresses": _ADDRESSES,
    "LookupQuery.list": "The number of the list that you want to send for.",
    "LookupQuery.address": "An email address or a phone number.",
    "Results.results": "One for each address, in the order in which you sent them.",
    "Result.suppressed": "Send only where this is false.",
    "Result.scope": "Why: `list`, opted out of this list; `global`, of everything (Do Not Mail); `unusable`, it cannot be read "
    "as an address. Null where it is not suppressed. Of somebody who opted out of both it is `list`.",
    "ChangeOut.id": "The number of the row in the ledger.",
    "ChangeOut.type": "Somebody opted out, or a suppression ended.",
    "ChangeOut.medium": _MEDIUM,
    "ChangeOut.reason": "unsubscribed, complained, bounced, manual or legal; of lifts also undone or reverted.",
    "ChangeOut.origin": "Who asked for it: recipient, owner or operator.",
    "OptOutsOut.opt_outs": "Opt-outs and lifts, oldest first.",
    "OptOutsOut.next": _NEXT,
    "ChangesOut.changes": "Oldest first; may be empty.",
    "ChangesOut.cursor": "Send it with the next call, even where there are no changes.",
    "ChangesOut.has_more": "Whether there is more right now: then ask again at once.",
    "DoNotMailOut.do_not_mail": "In no order that means anything.",
    "DoNotMailOut.next": _NEXT,
    "SuppressedOut.medium": _MEDIUM,
    "SuppressedOut.suppressed_at": _TIME,
    "SuppressedOut.channel": "How it reached us, such as page or one_click.",
    "SuppressedOut.reason": _REASON,
    "ContactOut.id": "What `/contacts/{id}` knows it by.",
    "ContactOut.address": "As Heed writes it.",
    "ContactOut.lists": "Numbers of the lists that it may be mailed for.",
    "ContactOut.fields": _FIELDS,
    "ContactOut.customer_key": _KEY,
    "ContactOut.do_not_mail": "Whether it is in Do Not Mail; then it is on no list.",
    "ContactsOut.contacts": "In no order that means anything.",
    "ContactsOut.next": _NEXT,
    "NewContact.address": "An email address or a phone number. This, or email.",
    "NewContact.email": "An email address. This, or address.",
    "NewContact.lists": "Numbers of lists to put it on, beside those that it is on.",
    "ContactLists.lists": "Numbers of all the lists that it is to be on; none removes it.",
}
