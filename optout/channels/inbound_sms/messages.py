"""What is done about a text message: STOP, START, a look by the owner, or nothing (S3.4)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from lists.inbound_endpoints import Gate
from lists.lookup import ListSnapshot, get_list_by_id, get_list_by_number
from lists.numbers import DO_NOT_MAIL_NUMBER
from lists.sms_setup import SmsRules, rules_of
from optout.actions import record_optout
from optout.addresses import Address, digest_of
from optout.channels.inbound_sms.incoming import Incoming, RefusedError
from optout.channels.inbound_sms.numbers import (
    LONGEST,
    bare,
    is_own_number,
    read_sender,
    read_texted,
    spell,
)
from optout.choices import Assurance, Channel, Meaning, RefusalCause, Verdict
from optout.confirmation_texts import write_confirmation
from optout.evidence import Evidence
from optout.inbound_messages import (
    Arrived,
    Known,
    ask_to_confirm,
    call_off_confirmations,
    find_named_list,
    keep_message,
    name_of_message,
    note_answer,
    note_lift,
)
from optout.intents import OptOutIntent, intent_for
from optout.keywords import read_meaning
from optout.quarantine import quarantine_optout
from optout.queries import find_scope
from optout.replies import QUARANTINED, RECORDED
from optout.sms_optouts import add_contacts, stop_target
from optout.starting import lift_stops, settle_unclear

LONGEST_SAID = 160  # characters of a text that prove it


class Result(StrEnum):
    """What was made of a message, as its gateway is told."""

    RECORDED = "recorded"
    REVIEW = "review"
    LIFTED = "lifted"
    IGNORED = "ignored"


_STATUS = {Result.RECORDED: RECORDED, Result.REVIEW: QUARANTINED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result, and the text that the gateway shall send back; empty for none.

    `is_suppressed`: after a START, whether the number may still not be written to by the list whose messages come from the number
    that was texted; None after anything else.
    """

    result: Result
    reply: str = ""
    is_suppressed: bool | None = None

    @property
    def optout_status(self) -> str:
        """What `Optout-Status` says; empty where there is no opt-out in it."""
        return _STATUS.get(self.result, "")


@dataclass(frozen=True, slots=True)
class _Text:
    """A message understood. `target` is the list that it is about, `own_list` the one whose messages come from the number that
    was texted, Do Not Mail for a number of the whole realm. `said_texted` is that number where the gateway has said it, else
    empty."""

    gate: Gate
    rules: SmsRules
    meaning: Meaning
    sender: Address
    target: ListSnapshot
    own_list: ListSnapshot
    said_texted: str
    evidence: Evidence
    may_confirm: bool
    now: datetime

    def intent(self, evidence: Evidence) -> OptOutIntent:
        return intent_for(
            self.target,
            self.sender,
            channel=Channel.INBOUND_SMS,
            assurance=Assurance.API_CREDENTIAL,
            requested_at=self.now,
            evidence=evidence,
        )


def take_message(gate: Gate, incoming: Incoming, caller: Evidence, now: datetime) -> Outcome:
    """Do what a message asks for, and write it down: all of it or nothing, and once however often it comes.

    `caller`: which program passed it on. Raises RefusedError 422 for a request of somebody who has no number.
    """
    everything = get_list_by_number(gate.realm_id, DO_NOT_MAIL_NUMBER)
    if everything is None:  # pragma: no cover  every realm has one
        raise RefusedError(404, "There is no such endpoint.")
    rules = rules_of(gate.realm_id)
    texted, list_id = read_texted(gate.realm_id, incoming.texted, everything.region)
    own_list = (get_list_by_id(list_id) if list_id else None) or everything
    meaning, target = _understand(incoming, rules, own_list, everything)
    if is_own_number(gate.realm_id, incoming.sender, everything.region):
        meaning = Meaning.NOTHING  # our own words, echoed: they would stop our own number
    sender = read_sender(incoming.sender, everything.region)
    if sender is None and meaning != Meaning.NOTHING:
        raise RefusedError(422, "Who texted is no phone number.")
    arrived = Arrived(
        endpoint_id=gate.id,
        message_id=name_of_message(
            incoming.name,
            spell(incoming.sender, everything.region),
            spell(incoming.texted, everything.region),
            incoming.text,
        ),
        digest=sender.digest if sender else digest_of(_key_of_nobody(incoming.sender)),
        sender=sender.key if sender else bare(incoming.sender)[:LONGEST],
        texted=texted,
        meaning=meaning,
        list_id=target.id if meaning in {Meaning.STOP, Meaning.UNCLEAR} else None,
        received_at=now,
    )
    with transaction.atomic():
        kept = keep_message(arrived)
        if isinstance(kept, Known):
            result = _result_of(kept.meaning, kept.list_id)
            if sender is not None and kept.meaning == Meaning.START:
                return _answer_start(result, own_list, sender)
            return Outcome(result)
        if sender is None or meaning == Meaning.NOTHING:
            return Outcome(Result.IGNORED)
        said = incoming.text[:LONGEST_SAID]
        text = _Text(
            gate=gate,
            rules=rules,
            meaning=meaning,
            sender=sender,
            target=target,
            own_list=own_list,
            said_texted=texted if incoming.texted else "",
            evidence=caller.adding(texted=texted, said=said, endpoint=gate.public_id),
            may_confirm=not incoming.is_answered,
            now=now,
        )
        return _ACTIONS[meaning](text, kept)


def _understand(
    incoming: Incoming, rules: SmsRules, own_list: ListSnapshot, everything: ListSnapshot
) -> tuple[Meaning, ListSnapshot]:
    """What a message asks for, and of which list. What its gateway has made of it holds; but a plain STOP is one even where the
    gateway's own list of words says otherwise."""
    if incoming.meaning == Meaning.STOP:
        return incoming.meaning, stop_target(own_list)
    meaning, target = _read(incoming.text, rules, own_list, everything)
    if incoming.meaning is None or meaning == Meaning.STOP:
        return meaning, target
    return incoming.meaning, stop_target(own_list)


def _read(
    text: str, rules: SmsRules, own_list: ListSnapshot, everything: ListSnapshot
) -> tuple[Meaning, ListSnapshot]:
    """The same by its text alone. One that names a list stops that one; one that names anything else never more than the list
    whose messages come from that number, and only when somebody has looked."""
    said = read_meaning(text, rules)
    named_id = find_named_list(everything.realm_id, said.target) if said.target else None
    named = get_list_by_id(named_id) if named_id else None
    if named is not None:
        return (Meaning.STOP if said.is_sure else Meaning.UNCLEAR), named
    if said.meaning == Meaning.UNCLEAR and said.target:
        return Meaning.UNCLEAR, own_list
    return said.meaning, stop_target(own_list)


def _stop(text: _Text, message: int) -> Outcome:
    # What was unclear before is clear now. Before contacts and suppressions, as whoever accepts it locks them.
    about = Q() if text.target.is_global else Q(optout_list=text.target.id)
    settle_unclear(text.target.realm_id, about, text.sender.digest, Verdict.ACCEPTED, text.now)
    intent = text.intent(text.evidence)
    add_contacts([intent])
    was_out = find_scope(text.target, text.sender) is not None
    recorded = record_optout(intent)
    if was_out or not recorded.is_new or not text.may_confirm:
        return Outcome(Result.RECORDED)
    return Outcome(Result.RECORDED, _confirm(text, message))


def _confirm(text: _Text, message: int) -> str:
    """Have the one message sent that confirms a STOP; what of it the answer to the gateway shall hold."""
    if not (text.gate.answers or text.gate.sends):
        return ""
    said = write_confirmation(text.rules.confirmation_texts, text.own_list, text.target)
    if text.gate.sends:
        ask_to_confirm(message, said)
        return ""
    note_answer(message, said, text.now)
    return said


def _ask_owner(text: _Text, _message: int) -> Outcome:
    # The gateway's IP and program say nothing of who texted; by them nobody can decide.
    evidence = replace(text.evidence, ip=None, agent="")
    quarantine_optout(text.intent(evidence), RefusalCause.UNCLEAR_TEXT)
    return Outcome(Result.REVIEW)


def _start(text: _Text, message: int) -> Outcome:
    lifted: list[int] = []
    if text.rules.start_lifts:
        lifted = lift_stops(
            text.target, text.sender, text.said_texted, evidence=text.evidence, now=text.now
        )
    if lifted:
        call_off_confirmations(lifted, text.sender.digest)
        note_lift(message, lifted[0])
    return _answer_start(Result.LIFTED if lifted else Result.IGNORED, text.own_list, text.sender)


def _answer_start(result: Result, own_list: ListSnapshot, sender: Address) -> Outcome:
    return Outcome(result, is_suppressed=find_scope(own_list, sender) is not None)


_ACTIONS = {Meaning.STOP: _stop, Meaning.UNCLEAR: _ask_owner, Meaning.START: _start}


def _result_of(meaning: Meaning, list_id: int | None) -> Result:
    """What was answered to a message that came before."""
    if list_id is None:
        return Result.IGNORED
    return {
        Meaning.STOP: Result.RECORDED,
        Meaning.UNCLEAR: Result.REVIEW,
        Meaning.START: Result.LIFTED,
    }.get(meaning, Result.IGNORED)


def _key_of_nobody(sender: str) -> str:
    """A sender that is no number, under a key that no address has."""
    return f"sender {sender}"
