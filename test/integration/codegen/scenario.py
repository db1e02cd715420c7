"""What a team does with a client that `thyme codegen python` wrote. Run with the deployment's address and a key; checked by mypy."""

import sys
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import thyme_features as t

URL, KEY = sys.argv[1:3]
client = t.ThymeClient(URL, api_key=KEY)
SENT = datetime(2026, 1, 3, 12, 0, 0, 123456, tzinfo=timezone.utc)
DEPOT = "O'Hare, é"


def parcel(number: int) -> t.ParcelRow:
    return t.ParcelRow(
        depot=DEPOT,
        number=number,
        weight=2.0,
        fragile=True,
        price=Decimal("12.5"),
        label=b"\x00\xff\x07",
        due=date(2026, 2, 28),
        way="air",
        stops=["a", ""],
        place=t.ParcelPlace(x=1.0, y=None),
        picked_at=None,
        note=None,
        sent_at=SENT + timedelta(microseconds=number),
    )


# A push of several requests, made again: each row counts once.
rows = [parcel(i) for i in range(2_500)]
logged = client.log(t.Parcel, rows, producer_id="python", sequence=0)
assert logged.events_sent == 2_500 and logged.token is not None, logged
again = client.log(t.Parcel, rows[:3], producer_id="python", sequence=0)
token = client.log(t.Parcel, [replace(parcel(0), depot="B")], after=again.token).token

# Rows.
found = client.lookup(t.Parcel, t.ParcelKey(DEPOT, 7), after=logged.token)
assert found.row == parcel(7), found
assert found.lag is not None and found.query_run_id != "", found
assert client.lookup(t.Parcel, t.ParcelKey(DEPOT, 7), timestamp=SENT).row is None
assert client.lookup(t.DepotParcels, DEPOT, after=token).row.parcels == 2_500
assert client.lookup(t.DepotParcels, "nowhere").row.parcels == 0

# Features, now and again.
now = client.query(t.ParcelFeatures, t.ParcelFeaturesKey(DEPOT, 3), after=token)
assert now.features.price == Decimal("12.5") and now.features.label == b"\x00\xff\x07", now
assert now.features.place == t.ParcelFeaturesPlace(x=1.0, y=None) and now.features.stops == ["a", ""], now
same = client.query(t.ParcelFeatures, t.ParcelFeaturesKey(DEPOT, 3), timestamp=now.as_of)
assert (same.features, same.as_of) == (now.features, now.as_of)

# Request-time inputs.
asked = datetime(2026, 1, 5, 9, 30, tzinfo=timezone(timedelta(hours=1)))
inputs = t.DepotLoadInputs(asked_at=asked, budget=None)
load = client.query(t.DepotLoad, DEPOT, inputs=inputs, after=token)
assert load.features == t.DepotLoadRow(DEPOT, 2_500, asked.astimezone(timezone.utc), None, 258.0), load
later = replace(inputs, asked_at=asked + timedelta(hours=2), budget=Decimal("1.50"))
both = client.query_batch(t.DepotLoad, [DEPOT, "nowhere"], inputs=[inputs, later], after=token)
assert [(row.depot, row.hours, row.budget) for row in both.rows] == [(DEPOT, 258.0, None), ("nowhere", 10.0, Decimal("1.5"))], both
shared = client.query_batch(t.DepotLoad, [DEPOT, "B"], inputs=inputs, after=token)
assert [row.hours for row in shared.rows] == [258.0, 8.1], shared

# A training set of two requests.
pairs = [(t.ParcelFeaturesKey(DEPOT, i % 2_500), SENT + timedelta(microseconds=i % 2_500 - i % 2)) for i in range(5_002)]
trained = list(client.query_offline(t.ParcelFeatures, pairs))
assert [row.features.price is not None for row in trained] == [i % 2 == 0 for i in range(5_002)]
assert len({row.query_run_id for row in trained}) == 2
known = list(client.query_offline(t.ParcelFeatures, pairs[:2], known_at="timestamp"))
assert [row.features.price for row in known] == [None, None], "it was known long after its time"
offline = list(client.query_offline(t.DepotLoad, [(DEPOT, SENT, inputs)]))
assert offline[0].features.parcels == 1, offline

# Every type within every other, and names that Python has for itself.
leg = t.DateLegs(from_=1, notes=["n", None], at=SENT)
deep = t.DateDateDeep(inner=t.DateDateDeepInner(price=Decimal("-0.01"), when=date(1999, 12, 31), raw=b""))
hard = t.DateRow(
    kind='a "b"\\',
    day=date(2026, 1, 1),
    is_=False,
    slot=SENT,
    class_=9_007_199_254_740_991,
    str_="\u2028",
    float_=1e-7,
    legs=[leg, replace(leg, at=None)],
    DateDeep_=deep,
    _x_="x",
    datetime_=SENT,
)
taken = client.log(t.Date, [hard]).token
hard_key = t.DateKey(kind='a "b"\\', day=hard.day, is_=False, slot=SENT)
assert client.lookup(t.Date, hard_key, after=taken).row == hard
said = client.query(
    t.Answer_,
    t.AnswerKey(kind='a "b"\\', day=hard.day, is_=False, slot=SENT),
    inputs=t.AnswerInputs(lambda_=["x", "y"], leg=t.AnswerLeg(5, ["z", None], SENT), seal=b"12"),
    after=taken,
)
assert said.features.said == "x y 5 z  2026-01-03T12:00:00.123Z 2", said
assert said.features.class_ == 9_007_199_254_740_991 and said.features.legs is not None, said
seats = client.log(t.Slot, [t.SlotRow(slot=SENT, seats=3, at=SENT)]).token
assert client.query(t.SlotSeats, SENT, after=seats).features == t.SlotSeatsRow(SENT, 3)
assert client.query_batch(t.SlotSeats, [SENT, SENT + timedelta(1)], after=seats).rows[1].seats == 0


def refusal(call: object) -> t.ThymeError:
    try:
        assert callable(call)
        call()
    except t.ThymeError as error:
        return error
    raise AssertionError("it was not refused")


# What is refused, with its code.
gone: t.Featureset[t.SlotSeatsRow, datetime] = t.Featureset("SlotSeat", t.SlotSeatsRow, t.SlotSeats._key, t.SlotSeats._fields)
unknown = refusal(lambda: client.query(gone, SENT))
assert (unknown.status, unknown.code) == (404, "THYME_NOT_FOUND") and "SlotSeats" in str(unknown), unknown
future = datetime.now(timezone.utc) + timedelta(days=1)
late = refusal(lambda: client.log(t.Parcel, [parcel(9), replace(parcel(9), sent_at=future)]))
assert (late.status, late.code, [one.index for one in late.refused]) == (422, "THYME_EVENTS_REFUSED", [1]), late
ahead = refusal(lambda: client.query(t.SlotSeats, SENT, timestamp=future))
assert (ahead.status, ahead.code) == (400, "THYME_INVALID_ARGUMENT"), ahead
assert [one.field for one in ahead.violations] == ["timestamp"], ahead.violations
stranger = refusal(lambda: t.ThymeClient(URL, api_key="thyme_nobody").query(t.SlotSeats, SENT))
assert (stranger.status, stranger.code) == (401, "THYME_UNAUTHENTICATED"), stranger
nowhere = refusal(lambda: t.ThymeClient("http://127.0.0.1:1").query(t.SlotSeats, SENT))
assert isinstance(nowhere, t.Unreachable) and nowhere.status == 0, nowhere
naive = refusal(lambda: client.query(t.SlotSeats, SENT, timestamp=datetime(2026, 1, 1)))
assert "no time zone" in str(naive), naive
early = refusal(lambda: client.log(t.Parcel, [parcel(1), replace(parcel(2), weight=float("nan"))]))
assert str(early).startswith("rows[1].weight"), early

if len(sys.argv) > 3:
    # Never run: what the types refuse. An ignore that is not needed is an error, too.
    client.query(t.DepotLoad, DEPOT)  # type: ignore[call-overload]
    client.query(t.DepotLoad, 5, inputs=inputs)  # type: ignore[misc]
    client.query(t.ParcelFeatures, t.ParcelFeaturesKey(DEPOT, "3"))  # type: ignore[arg-type]
    client.lookup(t.Parcel, t.ParcelKey(DEPOT, 3)).row.note  # type: ignore[union-attr]
    client.log(t.Parcel, [hard])  # type: ignore[misc]
    replace(parcel(1), way="sea")  # type: ignore[arg-type]
print("done")
