"""A typed client of a Thyme deployment.

It stands alone: Python 3.9 or newer and the standard library. What is asked and answered is described at the end of
the file, by classes with the fields and types that are committed.

    client = ThymeClient("http://127.0.0.1:8080", api_key="thyme_...")
    answer = client.query(SomeFeatures, "some entity")
    answer.features.some_feature

A deployment's refusal is a ThymeError with its stable code; no answer at all is an Unreachable.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import http.client
import json
import math
import random
import re
import ssl
import time
import typing
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Dict, Generic, Iterable, Iterator, List, Literal, Optional, Sequence, Tuple, TypeVar, Union, overload

_R = TypeVar("_R")
_K = TypeVar("_K")
_I = TypeVar("_I")

#: An instant: a datetime with a time zone, or RFC 3339 text.
Instant = Union[datetime.datetime, str]

#: Questions in one request of a training set, and events in one push: far below the limit of a body.
QUESTIONS_PER_REQUEST = 5_000
EVENTS_PER_PUSH = 2_000
#: The pause before a request is made again doubles from this, up to the other, in seconds.
RETRY_PAUSE = 0.1
RETRY_PAUSE_MAX = 5.0


@dataclass(frozen=True)
class Violation:
    """What is wrong with one place of a request."""

    field: str
    description: str


@dataclass(frozen=True)
class RefusedEvent:
    """An event of a push that was refused; the others were taken."""

    index: int
    error: str


class ThymeError(Exception):
    """A request that was refused."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        violations: Sequence[Violation] = (),
        refused: Sequence[RefusedEvent] = (),
        query_run_id: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        #: The HTTP status; 0 where there was no answer.
        self.status = status
        #: Such as THYME_NOT_FOUND; empty where the answer has none.
        self.code = code
        self.violations = list(violations)
        self.refused = list(refused)
        self.query_run_id = query_run_id


class Unreachable(ThymeError):
    """No answer came, or not all of it. Of a push nobody knows whether it was taken: see ThymeClient.log."""


class _Type:
    """Between a field's value in Python and in JSON."""

    def __init__(
        self,
        kind: str,
        optional: bool = False,
        *,
        of: Optional[_Type] = None,
        members: Sequence[_Field] = (),
        make: Any = None,
    ) -> None:
        self.kind = kind
        self.optional = optional
        self.of = of
        self.members = members
        self.make = make

    def read(self, value: Any, place: str) -> Any:
        if value is None:
            if self.optional:
                return None
            raise ThymeError(f"{place}: is null, and not declared so: generate this client again")
        try:
            return self._read(value, place)
        except (TypeError, ValueError, AttributeError, decimal.InvalidOperation) as error:
            raise ThymeError(f"{place}: {value!r} is no {self.kind}: generate this client again") from error

    def _read(self, value: Any, place: str) -> Any:
        if self.kind == "timestamp":
            return _instant(value)
        if self.kind == "date":
            return datetime.date.fromisoformat(value)
        if self.kind == "decimal":
            return decimal.Decimal(value)
        if self.kind == "bytes":
            return base64.b64decode(value, validate=True)
        if self.kind == "float":
            return float(value)
        if self.kind == "list":
            assert self.of is not None
            return [self.of.read(one, f"{place}[{i}]") for i, one in enumerate(value)]
        if self.kind == "struct":
            return _read_fields(self.make, self.members, value, place)
        if not isinstance(value, {"int": int, "bool": bool}.get(self.kind, str)):
            raise TypeError
        return value

    def write(self, value: Any, place: str) -> Any:
        if value is None:
            if self.optional:
                return None
            raise ThymeError(f"{place}: is None, and is required")
        if self.kind == "timestamp":
            return _instant_text(value, place)
        if self.kind == "date" and isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        if self.kind == "decimal" and isinstance(value, decimal.Decimal) and value.is_finite():
            return format(value, "f")
        if self.kind == "bytes" and isinstance(value, (bytes, bytearray)):
            return base64.b64encode(value).decode("ascii")
        if self.kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if self.kind == "int" and isinstance(value, int) and not isinstance(value, bool):
            return value
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind in ("string", "enum") and isinstance(value, str):
            return value
        if self.kind == "list" and isinstance(value, (list, tuple)):
            assert self.of is not None
            return [self.of.write(one, f"{place}[{i}]") for i, one in enumerate(value)]
        if self.kind == "struct" and isinstance(value, self.make):
            return _write_fields(self.members, value, place)
        raise ThymeError(f"{place}: {value!r} is no {self.kind}")


@dataclass(frozen=True)
class _Field:
    #: As the deployment calls it.
    name: str
    #: As the class here does: with a _ behind it where Python has no such name.
    attribute: str
    type: _Type


def _read_fields(make: Any, fields: Sequence[_Field], values: Any, place: str) -> Any:
    read: Dict[str, Any] = {}
    for field in fields:
        if field.name not in values:
            raise ThymeError(f"{place}.{field.name}: is not in the answer: generate this client again")
        read[field.attribute] = field.type.read(values[field.name], f"{place}.{field.name}")
    return make(**read)


def _write_fields(fields: Sequence[_Field], values: Any, place: str) -> Dict[str, Any]:
    return {field.name: field.type.write(getattr(values, field.attribute), f"{place}.{field.name}") for field in fields}


_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z")


def _instant(text: Any) -> datetime.datetime:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, clock, fraction = found.groups()
    return datetime.datetime.fromisoformat(f"{day}T{clock}.{(fraction or '').ljust(6, '0')}+00:00")


def _instant_text(instant: Any, place: str) -> str:
    if isinstance(instant, str):
        return instant
    if not isinstance(instant, datetime.datetime):
        raise ThymeError(f"{place}: {instant!r} is no instant: give a datetime with a time zone, or RFC 3339 text")
    if instant.utcoffset() is None:
        raise ThymeError(f"{place}: {instant!r} has no time zone: give one, such as tzinfo=datetime.timezone.utc")
    return instant.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


class Featureset(Generic[_R, _K]):
    """A featureset whose answers are _R, asked for entities _K. It takes no request-time inputs."""

    _inputs: Sequence[_Field] = ()

    def __init__(self, name: str, row: typing.Type[_R], key: Sequence[_Field], fields: Sequence[_Field]) -> None:
        self.name = name
        self._row = row
        self._key = key
        self._fields = fields

    def _read(self, values: Any) -> _R:
        row: _R = _read_fields(self._row, self._fields, values, self.name)
        return row


class FeaturesetWithInputs(Generic[_R, _K, _I]):
    """A featureset whose answers are _R, asked for entities _K with request-time inputs _I."""

    def __init__(
        self, name: str, row: typing.Type[_R], key: Sequence[_Field], fields: Sequence[_Field], inputs: Sequence[_Field]
    ) -> None:
        self.name = name
        self._row = row
        self._key = key
        self._fields = fields
        self._inputs = inputs

    def _read(self, values: Any) -> _R:
        row: _R = _read_fields(self._row, self._fields, values, self.name)
        return row


class Dataset(Generic[_R, _K]):
    """A dataset whose rows are _R. A lookup of an entity _K without rows finds None."""

    def __init__(self, name: str, row: typing.Type[_R], key: Sequence[_Field], fields: Sequence[_Field]) -> None:
        self.name = name
        self._row = row
        self._key = key
        self._fields = fields

    def _read(self, values: Any) -> Optional[_R]:
        row: Optional[_R] = None if values is None else _read_fields(self._row, self._fields, values, self.name)
        return row


class Aggregated(Dataset[_R, _K]):
    """A dataset that a pipeline aggregates into: an entity that was never seen has a row, with nothing in its windows."""


@dataclass(frozen=True)
class Answer(Generic[_R]):
    features: _R
    #: The instant that was asked about: as `timestamp` it gives the same answer again.
    as_of: datetime.datetime
    #: How far the state that was read may lie behind; None where the replica is cut off.
    lag: Optional[datetime.timedelta]
    query_run_id: str


@dataclass(frozen=True)
class BatchAnswer(Generic[_R]):
    #: One for each entity, in their order.
    rows: List[_R]
    as_of: datetime.datetime
    lag: Optional[datetime.timedelta]
    query_run_id: str


@dataclass(frozen=True)
class LookupAnswer(Generic[_R]):
    row: _R
    as_of: datetime.datetime
    lag: Optional[datetime.timedelta]
    query_run_id: str


@dataclass(frozen=True)
class OfflineRow(Generic[_R]):
    features: _R
    #: Of the request that this row came with: a large training set is asked in several.
    query_run_id: str


@dataclass(frozen=True)
class Logged:
    events_sent: int
    #: For `after`: a read with it includes these rows. None where nothing was sent.
    token: Optional[str]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is for the server that was named."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


class ThymeClient:
    """Reads and writes of a deployment. Safe to be used by several threads; each request has a connection of its own.

    `timeout` is how long a deployment may be silent, in seconds. Reads that found no answer, or a server that was
    stopping or busy, are made again up to `retries` times.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        api_key: Optional[str] = None,
        timeout: float = 60.0,
        retries: int = 2,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self._timeout = timeout
        self._retries = retries
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=tls))

    @overload
    def query(
        self,
        featureset: Featureset[_R, _K],
        entity: _K,
        *,
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> Answer[_R]: ...

    @overload
    def query(
        self,
        featureset: FeaturesetWithInputs[_R, _K, _I],
        entity: _K,
        *,
        inputs: _I,
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> Answer[_R]: ...

    def query(self, featureset: Any, entity: Any, *, inputs: Any = None, **times: Any) -> Any:
        """One entity's features, now or as of `timestamp`; `after` is the token of a push that must be included."""
        asked = {"featureset": featureset.name, "entity_id": _key_json(featureset, entity, "entity"), **_times(**times)}
        if inputs is not None:
            asked["inputs"] = _write_fields(featureset._inputs, inputs, "inputs")
        body, run = self._read("/features", asked)
        return Answer(featureset._read(body["features"]), *_info(body, run))

    @overload
    def query_batch(
        self,
        featureset: Featureset[_R, _K],
        entities: Sequence[_K],
        *,
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> BatchAnswer[_R]: ...

    @overload
    def query_batch(
        self,
        featureset: FeaturesetWithInputs[_R, _K, _I],
        entities: Sequence[_K],
        *,
        inputs: Union[_I, Sequence[_I]],
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> BatchAnswer[_R]: ...

    def query_batch(self, featureset: Any, entities: Sequence[Any], *, inputs: Any = None, **times: Any) -> Any:
        """Many entities at one instant; `inputs` are those of all of them, or a list with those of each."""
        ids = [_key_json(featureset, entity, f"entities[{i}]") for i, entity in enumerate(entities)]
        asked = {"featureset": featureset.name, "entity_ids": ids, **_times(**times)}
        if isinstance(inputs, (list, tuple)):
            asked["inputs"] = [_write_fields(featureset._inputs, one, f"inputs[{i}]") for i, one in enumerate(inputs)]
        elif inputs is not None:
            asked["inputs"] = _write_fields(featureset._inputs, inputs, "inputs")
        body, run = self._read("/features/batch", asked)
        names = body["features"][1:]  # the first column repeats the entity
        rows = [featureset._read(dict(zip(names, values[1:]))) for values in body["values"]]
        return BatchAnswer(rows, *_info(body, run))

    @overload
    def query_offline(
        self,
        featureset: Featureset[_R, _K],
        questions: Iterable[Tuple[_K, Instant]],
        *,
        known_at: Union[Instant, Literal["timestamp"], None] = None,
    ) -> Iterator[OfflineRow[_R]]: ...

    @overload
    def query_offline(
        self,
        featureset: FeaturesetWithInputs[_R, _K, _I],
        questions: Iterable[Tuple[_K, Instant, _I]],
        *,
        known_at: Union[Instant, Literal["timestamp"], None] = None,
    ) -> Iterator[OfflineRow[_R]]: ...

    def query_offline(self, featureset: Any, questions: Iterable[Any], *, known_at: Any = None) -> Any:
        """A training set: (entity, instant) pairs, with the inputs as a third where the featureset has some. Rows come in
        their order while they are read. With known_at="timestamp" each sees what was known at its own time."""
        start = 0
        for asked in _chunks(questions, QUESTIONS_PER_REQUEST):
            queries = [_question(featureset, one, f"questions[{start + i}]") for i, one in enumerate(asked)]
            request: Dict[str, Any] = {"featureset": featureset.name, "queries": queries}
            if known_at is not None:
                request["known_at"] = _instant_text(known_at, "known_at")
            yield from self._offline(featureset, request, len(asked))
            start += len(asked)

    @overload
    def lookup(
        self,
        dataset: Aggregated[_R, _K],
        entity: _K,
        *,
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> LookupAnswer[_R]: ...

    @overload
    def lookup(
        self,
        dataset: Dataset[_R, _K],
        entity: _K,
        *,
        timestamp: Optional[Instant] = None,
        known_at: Optional[Instant] = None,
        after: Optional[str] = None,
    ) -> LookupAnswer[Optional[_R]]: ...

    def lookup(self, dataset: Any, entity: Any, **times: Any) -> Any:
        """A dataset's row, without extractors or defaults."""
        key = {f"entity.{name}": _parameter(value) for name, value in _key_json(dataset, entity, "entity").items()}
        parameters = urllib.parse.urlencode({"entity_type": dataset.name, **key, **_times(**times)})
        body, run = self._read(f"/features?{parameters}", None)
        return LookupAnswer(dataset._read(body["features"]), *_info(body, run))

    def log(
        self,
        dataset: Dataset[_R, Any],
        rows: Iterable[_R],
        *,
        producer_id: Optional[str] = None,
        sequence: Optional[int] = None,
        historical: bool = False,
        after: Optional[str] = None,
    ) -> Logged:
        """Pushes rows, in order; all are checked before the first is sent. A ThymeError names those that the deployment
        refused, and the others of that request stay accepted.

        With `producer_id` and `sequence`, which counts the producer's rows and is that of the first one here, the same
        call may be made again and counts once; only then is a push without an answer made again by itself.
        """
        if (producer_id is None) != (sequence is None):
            raise ThymeError("producer_id and sequence: give both, or neither")
        events = [_write_fields(dataset._fields, row, f"rows[{i}]") for i, row in enumerate(rows)]
        sent, token = 0, after
        for chunk in _chunks(events, EVENTS_PER_PUSH):
            push: Dict[str, Any] = {"dataset": dataset.name, "events": chunk, "historical": historical}
            if producer_id is not None and sequence is not None:
                push.update(producer_id=producer_id, sequence=sequence + sent)
            if token is not None:
                push["after"] = token  # so the last answer's token covers them all
            with self._send("/api/v1/log", push, may_repeat=producer_id is not None) as response:
                answer = _json_of(response)
            sent += len(chunk)
            token = answer["token"]
        return Logged(sent, token)

    def _offline(self, featureset: Any, request: Dict[str, Any], count: int) -> Iterator[Any]:
        rows = 0
        with self._send("/features/offline", request, may_repeat=True, accept="application/x-ndjson") as response:
            run = response.headers.get("x-query-run-id") or ""
            while True:
                try:
                    line = json.loads(response.readline() or b"null")
                except (OSError, http.client.HTTPException, ValueError) as error:
                    raise Unreachable(f"the answer was cut off after {rows} rows") from error
                if line is None or line.get("end") is True:
                    break
                yield OfflineRow(featureset._read(line["features"]), run)
                rows += 1
        if line is None or line["rows"] != rows or rows != count:
            raise Unreachable(f"the answer ended after {rows} of {count} rows")

    def _read(self, path: str, asked: Optional[Dict[str, Any]]) -> Tuple[Any, str]:
        with self._send(path, asked, may_repeat=True) as response:
            return _json_of(response), response.headers.get("x-query-run-id") or ""

    def _send(self, path: str, body: Optional[Dict[str, Any]], *, may_repeat: bool, accept: str = "application/json") -> Any:
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {**self._headers, "accept": accept, "content-type": "application/json"}
        tries = self._retries if may_repeat else 0
        for left in range(tries, -1, -1):
            try:
                request = urllib.request.Request(self._url + path, data=data, headers=headers)
                return self._opener.open(request, timeout=self._timeout)
            except urllib.error.HTTPError as error:
                with error:
                    failure: ThymeError = _refusal(error)
            except (OSError, http.client.HTTPException) as error:
                failure = Unreachable(f"no answer from {self._url}: {error}")
            if left == 0 or failure.status not in (0, 429, 503):
                raise failure
            pause = min(RETRY_PAUSE * 2 ** (tries - left), RETRY_PAUSE_MAX)
            time.sleep(pause * (0.5 + random.random() / 2))
        raise AssertionError


def _json_of(response: Any) -> Any:
    try:
        return json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable("the answer was cut off") from error


def _refusal(error: urllib.error.HTTPError) -> ThymeError:
    try:
        problem = json.loads(error.read())
        code = str(problem.get("type", "")).rpartition("urn:thyme:error:")
        return ThymeError(
            str(problem["detail"]),
            status=error.code,
            code=code[2] if code[1] else "",
            violations=[Violation(one["field"], one["description"]) for one in problem.get("violations", [])],
            refused=[RefusedEvent(one["index"], one["error"]) for one in problem.get("errors", [])],
            query_run_id=error.headers.get("x-query-run-id"),
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return ThymeError(f"HTTP {error.code}: {error.reason}", status=error.code)


def _key_json(asked: Any, entity: Any, place: str) -> Dict[str, Any]:
    if len(asked._key) > 1:
        return _write_fields(asked._key, entity, place)
    return {field.name: field.type.write(entity, place) for field in asked._key}


def _parameter(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _times(timestamp: Optional[Instant] = None, known_at: Optional[Instant] = None, after: Optional[str] = None) -> Dict[str, Any]:
    times: Dict[str, Any] = {}
    if timestamp is not None:
        times["timestamp"] = _instant_text(timestamp, "timestamp")
    if known_at is not None:
        times["known_at"] = _instant_text(known_at, "known_at")
    if after is not None:
        times["after"] = after
    return times


def _question(featureset: Any, question: Any, place: str) -> Dict[str, Any]:
    entity, timestamp, *inputs = question
    asked = {"entity_id": _key_json(featureset, entity, place), "timestamp": _instant_text(timestamp, f"{place}.timestamp")}
    if len(inputs) > 0:
        asked["inputs"] = _write_fields(featureset._inputs, inputs[0], f"{place}.inputs")
    return asked


def _info(body: Any, run: str) -> Tuple[datetime.datetime, Optional[datetime.timedelta], str]:
    lag = body["freshness"]["lag_us"]
    return _instant(body["as_of"]), None if lag is None else datetime.timedelta(microseconds=lag), run


def _chunks(items: Iterable[Any], size: int) -> Iterator[List[Any]]:
    chunk: List[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if len(chunk) > 0:
        yield chunk
