"""The rooms refuse in English sentences; here the common ones are said in the user's language.

A sentence that is not known stays as the room said it: better English than silence.
"""

from __future__ import annotations

import functools
import re

from django.utils.translation import get_language, gettext, gettext_noop

_SENTENCES = (
    # Appointments and service orders
    gettext_noop("This slot of %(kind)s at %(node)s is full; choose another one."),
    gettext_noop("Say who comes: a customer number, or a name and a phone number."),
    gettext_noop("Say in 2 to 300 characters why, or what was done."),
    gettext_noop("Say from when to when somebody comes; it must lie ahead."),
    gettext_noop("Say what it is about, who asks, and where: goods, name, phone, place and address."),
    # Prices
    gettext_noop("%(price)s is %(off)s off the guide price and outside the band from %(low)s to %(high)s."),
    gettext_noop("%(price)s is under the floor of %(floor)s."),
    gettext_noop("%(price)s is under the cost of %(cost)s."),
    gettext_noop("There is no guide price to hold it against; set one."),
    gettext_noop("It is under the floor of regions: %(regions)s."),
    gettext_noop("Prices of these channels would lie outside the band of the new guide price: %(channels)s."),
    gettext_noop("There is no price list %(list)s."),
    gettext_noop("There is no SKU %(sku)s."),
    gettext_noop("A price must be a positive amount."),
    gettext_noop("A step begins at 1 to 10,000,000 units; guide prices have one step."),
    gettext_noop("The price would end before it begins."),
    gettext_noop("It lies outside the period of list %(list)s."),
    gettext_noop("Another row sets the same price for a part of the same time."),
    gettext_noop("A price counted then already; what is past cannot change."),
    gettext_noop("It is a proposal; another person decides."),
    gettext_noop("Nobody approves what they asked for: let somebody else decide."),
    gettext_noop("Nothing of request %(number)s waits for approval any more."),
    gettext_noop("Only who asked for a change takes it back; reject it instead."),
    gettext_noop("A request needs at least one price."),
    gettext_noop("Choose the listings that get the price of the book."),
    gettext_noop("The floor of %(sku)s must be a positive amount of one currency."),
    gettext_noop("The floor of %(sku)s: the least net price must be positive and at most the floor."),
    gettext_noop("The floor of %(sku)s: there is no province %(region)s; write it as 新疆 or 浙江省."),
    gettext_noop("Price list %(list)s: prices of this kind are for a period; say when it ends."),
    gettext_noop("Price list %(list)s is of the kind %(kind)s; name its %(scope)s."),
    # Pickups
    gettext_noop("Nobody has this pickup code. Ask the buyer to show it again."),
    gettext_noop("This is no pickup code: it has nine letters and digits. Type or scan it again."),
    gettext_noop("Too many wrong codes; wait ten minutes, or look the order up by its number."),
    gettext_noop("Order %(number)s waits at %(node)s, not here; send the buyer there."),
    gettext_noop("Order %(number)s was handed over at %(node)s already by %(who)s at %(at)s; its code counts once."),
    gettext_noop(
        "The time in which %(node)s kept order %(number)s is over, or the order was called off: do not hand it over, "
        "and let the office decide."
    ),
    gettext_noop("Say in 5 to 200 characters how you know that this is the buyer."),
    gettext_noop("None of these waits for its buyer; make it ready first."),
    gettext_noop("Order %(number)s is held back by the office; it must be released first."),
    # Counter, visits, inspections
    gettext_noop("This store does not sell by phone; go to the till."),
    gettext_noop("A basket has 1 to %(most)s kinds of goods, each once."),
    gettext_noop("The basket is not understood; load the page again."),
    gettext_noop("Of %(goods)s the store has only %(units)s; ask the staff."),
    gettext_noop("'%(code)s' has no price here; ask the staff."),
    gettext_noop("Nobody has this basket; ask the customer to show the code again."),
    gettext_noop("This basket was put together in another store."),
    gettext_noop("This basket is paid already; its code counts once."),
    gettext_noop("The code is too old; ask the customer to make a new one."),
    gettext_noop(
        "A price was changed or an offer ran out since this code was made; ask the customer to make a new one."
    ),
    gettext_noop("The offer %(offer)s ran out while the order was placed; look at the price again."),
    gettext_noop("The basket costs %(amount)s; take that."),
    gettext_noop("The note holds a phone number or an e-mail address; name the visitor by an identifier."),
    gettext_noop("Of a lot of %(lot)s units at least %(least)s and at most %(most)s are looked at."),
    gettext_noop("By the checks at least %(least)s and at most %(most)s units have failed."),
    gettext_noop("Hold %(id)s is decided already."),
    gettext_noop("Say in up to 300 characters why the goods may be sold, or may not."),
    # Values of a file
    gettext_noop("is empty, but is needed"),
    gettext_noop("is empty, but a payment needs it"),
    gettext_noop("is not a number"),
    gettext_noop("is not a whole number"),
    gettext_noop("is larger than any real amount"),
    gettext_noop("is larger than any real quantity"),
    gettext_noop("is neither yes nor no"),
    gettext_noop("is outside ±%(limit)s degrees"),
    gettext_noop("lies outside the years %(first)s to %(last)s"),
    gettext_noop("a spreadsheet has rounded this number; export the file again as text"),
    gettext_noop("is not a date in a known, unambiguous notation (such as 2025-02-28 13:05:00)"),
    gettext_noop("is a day or time that does not exist"),
    gettext_noop("is longer than %(limit)s characters"),
    gettext_noop("holds control characters"),
    gettext_noop("is no quality bucket; known are %(known)s"),
    gettext_noop("is not one of the known values %(known)s"),
    gettext_noop("has %(found)s cells where the header has %(wanted)s"),
    gettext_noop("holds bytes that are not valid %(encoding)s"),
    gettext_noop("the file ends in the middle of this line"),
    gettext_noop("the line holds NUL bytes"),
    # Rows against each other
    gettext_noop("is the same as line %(line)s"),
    gettext_noop("has the same number as line %(line)s, but other content"),
    gettext_noop("line %(line)s of the same document was rejected"),
    gettext_noop("lines of the same document disagree on its %(name)s"),
    gettext_noop("another line of the same document names shop %(shop)s"),
    gettext_noop("two payments of the document have the same number"),
    gettext_noop("a counted quantity cannot be negative"),
    gettext_noop("there is no shop %(shop)s; create it first (tongpan shop create %(again)s)"),
    gettext_noop("changes stock, but no node serves shop %(shop)s; give it one first"),
    # Files
    gettext_noop("%(file)s is empty."),
    gettext_noop("%(file)s holds no rows."),
    gettext_noop("%(file)s is not a table: it holds binary data, not text."),
    gettext_noop("%(file)s is larger than %(size)s GB."),
    gettext_noop("%(file)s unpacks to more than %(size)s GB."),
    gettext_noop("%(file)s is protected by a password; give it, or unpack the file first."),
    gettext_noop("The password does not open %(file)s."),
    gettext_noop("%(file)s is no archive with a password."),
    gettext_noop("%(file)s lacks the column %(missing)s. Found columns: %(found)s."),
    gettext_noop("%(file)s lacks the columns %(missing)s. Found columns: %(found)s."),
    gettext_noop(
        "%(file)s fits no known format; nearest is %(format)s, for which it lacks the column %(missing)s. "
        "Found columns: %(found)s."
    ),
    gettext_noop(
        "%(file)s fits no known format; nearest is %(format)s, for which it lacks the columns %(missing)s. "
        "Found columns: %(found)s."
    ),
    gettext_noop(
        "%(file)s fits no known format. Found columns: %(found)s. Give --format NAME, or describe the file with "
        "--mapping FILE."
    ),
    gettext_noop("'%(name)s' is no known encoding; try utf-8, gb18030 or cp1252."),
    gettext_noop(
        "Amounts of the format %(format)s are in %(currency)s, but shop %(shop)s sells in %(other)s. "
        "Import into a shop on a channel in %(again)s; a new shop code makes one."
    ),
    gettext_noop("Rows of the format %(format)s name no shop: say which with --shop CODE."),
    gettext_noop("The import was interrupted: %(error)s. Import the file again."),
    gettext_noop("Import %(number)s is not waiting to be started."),
    # People, channels, stock
    gettext_noop("'%(name)s' is the only administrator. Make another user administrator first."),
    gettext_noop("There is a key called '%(name)s' already (perhaps revoked). Choose another name."),
    gettext_noop("Channel %(code)s: '%(zone)s' is not an IANA time zone."),
    gettext_noop("Channel %(code)s: '%(currency)s' is not a currency code of three capitals."),
    gettext_noop("Channel %(code)s would close before it was launched."),
    gettext_noop("Shop %(shop)s: its capacity must lie between 0 and %(most)s."),
    gettext_noop("There is no channel %(code)s. Save the channel first."),
    gettext_noop("Node %(code)s has only one of latitude and longitude."),
    gettext_noop("Node %(code)s: its point is not on the Earth."),
    gettext_noop("Node %(code)s: '%(zone)s' is not an IANA time zone."),
    gettext_noop("The goods of order %(number)s have left; book a return instead."),
    gettext_noop("Part of order %(number)s has left; book a return for it instead."),
    gettext_noop("Order %(number)s is cancelled."),
    gettext_noop("There is no order %(number)s."),
    gettext_noop(
        "Order %(number)s was changed meanwhile: it has revision %(revision)s, you looked at %(seen)s. "
        "Look at it again and repeat your change."
    ),
    gettext_noop("A note says something."),
    gettext_noop("Name 1 to %(most)s tags of 1 to %(length)s characters each."),
    gettext_noop("A key without scopes could do nothing: give it at least one."),
    gettext_noop("Returns of shop %(shop)s cannot go to %(node)s: it does not serve it."),
    # Routing
    gettext_noop("No rule of the routing policy finds a node; the decision says why for each."),
    gettext_noop("No dealer who owes home delivery at the address has the goods."),
    gettext_noop("The node that the order names for instant delivery does not have all of the goods."),
    gettext_noop("No open node near the address has all of the goods; send the order another way."),
    gettext_noop("No node near the address has all of the goods; send the order another way."),
    gettext_noop("Every node that has the goods refused the order; send it by hand or change the order."),
    gettext_noop("The routing policy leaves orders like this one out."),
    gettext_noop("No goods were found in %(days)s days."),
    gettext_noop("%(value)s is not a whole number of %(what)s from %(least)s to %(most)s."),
    gettext_noop("%(value)s is not one of %(known)s."),
    gettext_noop("%(value)s is no rank; take one of %(known)s, with asc or desc if need be."),
    gettext_noop("There is no such word here; known are %(known)s."),
    gettext_noop("Write this as words with values; known are %(known)s."),
    gettext_noop("Two rules have this name; give each its own."),
    gettext_noop("Give the rule a name of 1 to 40 small letters, digits and hyphens."),
    gettext_noop("Give the queue a name of 1 to 40 small letters, digits and hyphens."),
    gettext_noop("Give one text or a list of texts of 1 to 120 characters."),
    gettext_noop("List at least one rule."),
    gettext_noop("List what nodes are compared by, the weightiest first: %(known)s."),
    gettext_noop("A rule either splits the order or gathers its goods first; make two rules."),
    gettext_noop("The fewest parcels always come first where a rule splits: name parcels first."),
    gettext_noop("Decisions that no rule made have this name; choose another one."),
    gettext_noop("%(rank)s is named twice."),
    gettext_noop("Say how many days an order waits for the goods, 1 to 60."),
    gettext_noop("This is neither YAML nor JSON: %(what)s."),
    gettext_noop("There is a policy %(code)s already; change it or choose another code."),
    gettext_noop("%(code)s comes with Tongpan and stays as it is; copy it under another code."),
    gettext_noop("Policy %(code)s has no published version yet; publish it first."),
    gettext_noop("Policy %(code)s has no draft; change it first."),
    gettext_noop("The run broke off; the log of the workers says why. Ask for it again."),
    gettext_noop("A dry run takes 1 to %(most)s days; the end lies behind the beginning."),
    # Transfers, counts, replenishment
    gettext_noop("The transfer goes from %(node)s to itself; choose another node."),
    gettext_noop("There is no SKU '%(sku)s'."),
    gettext_noop("SKU %(sku)s stands on two lines; join them into one."),
    gettext_noop("Node %(node)s keeps no stock of ours; nothing can be transferred there."),
    gettext_noop("Nothing of transfer %(number)s would leave; cancel it instead."),
    gettext_noop("Transfer %(number)s asks for %(wanted)s of SKU %(sku)s; %(units)s cannot leave for it."),
    gettext_noop(
        "Only %(most)s of SKU %(sku)s may leave with transfer %(number)s, not %(units)s: the rest is not there or "
        "promised to orders. Send less."
    ),
    gettext_noop(
        "%(sent)s of SKU %(sku)s left with transfer %(number)s; %(came)s cannot have arrived. Receive what was sent "
        "and book the surplus as a count."
    ),
    gettext_noop("%(units)s units of transfer %(number)s are missing: give the reason."),
    gettext_noop("A cycle count needs the SKUs that shall be counted."),
    gettext_noop("Nothing has been counted on this sheet yet."),
    gettext_noop("More units are off than the tolerance forgives: say why before somebody else approves it."),
    gettext_noop("Whoever counted or handed in a sheet cannot approve it; ask another person."),
    gettext_noop("Say why the goods are needed, for those who must get them."),
    gettext_noop("It would be due in the past, or the time has no zone."),
    # Transfers in several deliveries
    gettext_noop("Nothing of transfer %(number)s arrived with that."),
    gettext_noop("A part of transfer %(number)s has arrived: receive the rest, or close it short with the reason."),
    gettext_noop("Transfer %(number)s goes to a node that you do not work at."),
    gettext_noop("Count %(number)s is at a node that you do not work at."),
    # Pre-orders
    gettext_noop("SKU %(sku)s is not on offer before it is there."),
    gettext_noop("Only %(left)s units of %(sku)s may still be ordered ahead, not %(wanted)s."),
    gettext_noop("%(units)s units of %(sku)s have been taken already; the cap is more."),
    gettext_noop("The deposit of %(sku)s is an amount: name the channel whose currency it is in."),
    gettext_noop("The deposit of %(sku)s is a share or an amount above 0, not both."),
    gettext_noop("The time to pay the deposit of order %(number)s is over."),
    # The desk of a store
    gettext_noop("Nothing was counted; type how many units are there."),
    gettext_noop("Nothing comes back; type how many units of which goods."),
    gettext_noop("Say who gets the parcel, where, and a phone for the carrier."),
    gettext_noop("“%(text)s” is no price."),
    gettext_noop("“%(text)s” is no number of units."),
    gettext_noop("Some of the goods are not there any more; look at the cart again."),
    gettext_noop("That order does not leave from here."),
    gettext_noop("It has left already, was called off, or its order is held back."),
    # Subscriptions
    gettext_noop("Some of the goods are not there."),
    gettext_noop("The list of shop %(shop)s has no price of SKU %(sku)s."),
    gettext_noop("It was not paid in time."),
    gettext_noop("It was not paid in %(number)s tries."),
    gettext_noop("Its order was cancelled."),
    gettext_noop("Its rhythm was changed."),
    gettext_noop("Left out by a person."),
    gettext_noop("It was paused."),
    gettext_noop("The subscription has ended."),
    gettext_noop("Subscription %(id)s is %(state)s; it cannot %(step)s now."),
    # After-sale
    gettext_noop("Within the window without a reason, until %(day)s (rule %(rule)s)."),
    gettext_noop("Within the extended window, until %(day)s (rule %(rule)s)."),
    gettext_noop("A fault of the goods within the warranty, until %(day)s (rule %(rule)s)."),
    gettext_noop("Order %(number)s has not arrived yet; wait for its delivery, or refund it as lost."),
    gettext_noop("Line %(line)s (%(sku)s): %(bought)s were bought, so %(left)s can come back, not %(asked)s."),
    gettext_noop(
        "Line %(line)s (%(sku)s): %(bought)s were bought; %(taken)s came back or are asked for already, so %(left)s "
        "can come back, not %(asked)s."
    ),
    gettext_noop("Line %(line)s (%(sku)s): the time to return it ended on %(day)s."),
    gettext_noop("Line %(line)s (%(sku)s): its warranty ended on %(day)s."),
    gettext_noop("Line %(line)s (%(sku)s) was opened; only unopened goods come back without a fault."),
    gettext_noop("Line %(line)s (%(sku)s) comes back for faults of quality only (rule %(rule)s)."),
    gettext_noop("Name the store where the goods are handed in."),
    gettext_noop("A door pickup needs its time slot."),
    gettext_noop("Line %(line)s of case %(case)s has %(qty)s units; %(named)s are named. Name each unit once."),
    gettext_noop("%(amount)s is above the cap of instant refunds (%(cap)s)."),
    gettext_noop("%(amount)s is above what is approved by itself (%(cap)s)."),
    gettext_noop("Requests of kind %(kind)s are approved by a person."),
    gettext_noop("Only a return is refunded at once."),
    gettext_noop("What is sent instead costs %(more)s more; say how the buyer pays it."),
    # Patrol, cases
    gettext_noop("Say why the case ends."),
    gettext_noop("A fine needs its amount."),
    gettext_noop("An appeal waits for its decision; decide it first."),
    gettext_noop("The policy names %(named)s now: say why it shall be %(step)s."),
    gettext_noop("The policy names no %(step)s before the deadline: say why it shall be one."),
    gettext_noop("Case %(number)s was changed meanwhile; look at it again and repeat your step."),
    gettext_noop("Say why the appeal is decided so."),
    gettext_noop("Say what the appeal is based on."),
    gettext_noop("The %(days)s days to appeal are over."),
    gettext_noop("Case %(number)s is over; nothing is added to it."),
    gettext_noop("Evidence is a file with its reference, or a statement in words."),
    gettext_noop("Say who sells: a shop, a dealer, or the seller's name."),
    gettext_noop("A price of an own shop names the shop."),
    gettext_noop("Shop %(shop)s is not on channel %(channel)s."),
    gettext_noop("A plan has a name of 1 to 80 characters and says who looks."),
    gettext_noop("There is no channel %(channel)s."),
    gettext_noop("There is no shop %(shop)s."),
    gettext_noop("There is no node %(node)s of kind dealer."),
    gettext_noop("There is no case %(case)s."),
    gettext_noop("There is no score %(score)s."),
    gettext_noop("Channel %(channel)s sells in %(currency)s, not in %(other)s."),
    gettext_noop("Its %(name)s has more than %(most)s characters or one that cannot be stored."),
    gettext_noop("The hash of the evidence is 64 characters of SHA-256 in hexadecimal."),
    gettext_noop("The listed price must be above zero, and the units from 1 to 10,000."),
    gettext_noop("The price cannot have been seen at %(at)s."),
    gettext_noop("Say who saw the price."),
    gettext_noop(
        "Another price was noted for this SKU, channel, seller, address and moment; what was seen "
        "is never changed. Note it with a moment of its own."
    ),
    gettext_noop("%(found)s discounts are more than the %(most)s that one price has."),
    gettext_noop("The discount %(text)s cannot be read; write %(examples)s, or in English %(english)s."),
    gettext_noop("The discount %(text)s has an amount below zero."),
    gettext_noop("The discount %(text)s takes off no share between 0 and 100 percent."),
    gettext_noop("The discount %(text)s has no number of gifts from 1 to 1000."),
    gettext_noop("The discount %(text)s takes nothing off."),
    gettext_noop("The discount %(text)s repeats without a threshold."),
    gettext_noop("A discount has an amount below zero."),
    gettext_noop("A discount takes off no share between 0 and 100 percent."),
    gettext_noop("A discount has no number of gifts from 1 to 1000."),
    gettext_noop("A discount takes nothing off."),
    gettext_noop("A discount repeats without a threshold."),
    gettext_noop("A discount is of an unknown kind %(kind)s; known are %(known)s."),
    gettext_noop("A discount is for %(audience)s; known are %(known)s."),
    gettext_noop("A plan is due every 1 to 366 days."),
    gettext_noop("A plan has at least one SKU and one channel, and at most %(most)s pairs."),
    gettext_noop("A note has at most %(most)s characters."),
    gettext_noop("A complaint has a number of 1 to 120 characters."),
    gettext_noop("A complaint says something, in at most 4,000 characters."),
    gettext_noop("Nobody can have complained at %(at)s."),
    gettext_noop("A price of a complaint is above zero."),
    gettext_noop("The reference has at most 500 characters, the words at most 4,000."),
    gettext_noop("The same case is named twice in one request."),
    gettext_noop("No appeal waits for a decision."),
    gettext_noop("Only a confirmed case or a sanction can be appealed."),
    gettext_noop("An appeal waits for its decision already."),
    gettext_noop("From %(status)s a case cannot become %(step)s; it can become %(ways)s."),
    gettext_noop("From %(status)s a case cannot become %(step)s: it is over."),
    gettext_noop("A letter is written in zh or en."),
    gettext_noop("A reason has at most %(most)s characters."),
    gettext_noop("The fine is no amount."),
    gettext_noop("A serial number is one unit, a batch one or more."),
    gettext_noop("The document's number has at most 120 characters."),
    gettext_noop("Say in which province it turned up, in at most 60 characters."),
    gettext_noop("The place or source has a character that cannot be stored."),
    gettext_noop("A serial number or batch has 1 to 80 characters."),
    gettext_noop("It cannot have been at %(at)s."),
)


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    made = []
    for sentence in _SENTENCES:
        parts = re.split(r"%\((\w+)\)s", sentence)
        pattern = "".join(
            re.escape(part) if position % 2 == 0 else f"(?P<{part}>.+?)" for position, part in enumerate(parts)
        )
        made.append((re.compile(pattern, re.DOTALL), sentence))
    return made


def localized(sentence: str) -> str:
    """``sentence`` of a room in the present language, as far as it is known."""
    if (get_language() or "").startswith("en"):
        return sentence
    for pattern, known in _patterns():
        if found := pattern.fullmatch(sentence):
            return gettext(known) % found.groupdict() if found.groupdict() else gettext(known)
    return sentence


def localized_reasons(text: str) -> str:
    """Reasons of a rejected row, joined by "; ", each perhaps after "COLUMN: ", in the present language."""
    return "; ".join(_one(part) for part in text.split("; ")) if localized(text) == text else localized(text)


def _one(part: str) -> str:
    column, colon, reason = part.partition(": ")
    said = localized(part)
    return f"{column}: {localized(reason)}" if colon and said == part else said
