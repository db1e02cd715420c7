"""fakesnow's server, whose results the official Node driver can read.

fakesnow answers with Arrow, and snowflake-sdk reads rows of text. So each answer to a query passes through here, and what Arrow
holds is written as the session protocol writes it. The queries themselves are fakesnow's, and really executed.

Started with the port as its one argument; listens on loopback.
"""
import base64
import datetime
import decimal
import gzip
import json
import math
import sys

import fakesnow.server
import pyarrow.ipc
import uvicorn

EPOCH_DAY = datetime.date(1970, 1, 1)


def cell_text(value, kind, scale):
    """One value as text, by the kind that Snowflake calls its column."""
    if value is None or isinstance(value, dict) and value['epoch'] is None:
        return None
    if kind == 'boolean':
        return '1' if value else '0'
    if kind == 'date':
        return str((value - EPOCH_DAY).days)
    if kind == 'binary':
        return bytes(value).hex().upper()
    if kind == 'real':
        return float_text(float(value))
    if kind == 'time':
        return time_text(value)
    if isinstance(value, dict):  # a timestamp: seconds since the epoch, nanoseconds, and minutes east of UTC from -1440 on
        seconds = format(decimal.Decimal(value['epoch']) + decimal.Decimal(value.get('fraction', 0)).scaleb(-9), 'f')
        return f"{seconds} {value['timezone']}" if 'timezone' in value else seconds
    if kind.startswith('timestamp'):  # of whole units, ten to the scale of them a second
        whole, fraction = divmod(int(value), 10**scale)
        return f"{whole}.{fraction * 10 ** (9 - scale):09d}"
    if kind == 'fixed':
        return format(decimal.Decimal(value) if isinstance(value, decimal.Decimal) else decimal.Decimal(value).scaleb(-scale), 'f')
    return str(value)


def float_text(value):
    if math.isnan(value):
        return 'NaN'
    if math.isinf(value):
        return 'inf' if value > 0 else '-inf'
    return repr(value)


def time_text(value):
    if isinstance(value, datetime.time):
        return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond * 1000:09d}"
    return str(value)


def rows_of(data):
    encoded = data.pop('rowsetBase64', '')
    if not encoded:
        return []
    table = pyarrow.ipc.open_stream(base64.b64decode(encoded)).read_all()
    columns = []
    for column, declared in zip(table.columns, data['rowtype']):
        kind, scale = declared['type'].lower(), declared.get('scale') or 0
        columns.append([cell_text(value, kind, scale) for value in column.to_pylist()])
    return [list(row) for row in zip(*columns)]


def in_rows(body):
    answer = json.loads(body)
    data = answer.get('data')
    if not data:
        return json.dumps(answer).encode()
    if data.get('queryResultFormat') == 'arrow':
        rows = rows_of(data)
        data.update(queryResultFormat='json', rowset=rows, total=len(rows))
    data.setdefault('returned', len(data.get('rowset') or []))
    return json.dumps(answer).encode()


class RowAnswers:
    """Gathers the answer to a query, and sends it on in rows."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http' or 'query-request' not in scope['path']:
            return await self.app(scope, receive, send)
        start, parts = None, []

        async def gather(message):
            nonlocal start
            if message['type'] == 'http.response.start':
                start = message
                return
            parts.append(message.get('body', b''))
            if message.get('more_body'):
                return
            body = b''.join(parts)
            body = in_rows(gzip.decompress(body) if body[:2] == b'\x1f\x8b' else body)
            headers = [(b'content-type', b'application/json'), (b'content-length', str(len(body)).encode())]
            await send({**start, 'headers': headers})
            await send({'type': 'http.response.body', 'body': body})

        await self.app(scope, receive, gather)


uvicorn.run(RowAnswers(fakesnow.server.app), host='127.0.0.1', port=int(sys.argv[1]), log_level='warning')
