"""What tests are written with: a real server process, real sockets, a real browser.

| module | gives |
|---|---|
| `server` | `Server`: `manage.py up` on free ports over a fresh data folder |
| `rest` | `Rest`: the REST API as one signed-in person |
| `station` | `Station`: an OCPP-J client that sends exactly what it is told; `upgrade`: a bare handshake |
| `frames` | payloads of OCPP 1.6 and 2.x messages |
| `people` | owner, member of the same organization, stranger |
| `browser` | headless Chromium that reports console errors and off-site requests |
| `catalog` | the German catalog: extraction, update, faults; `python -m tests.support.catalog` is `make messages` |
| `services` | a database, a Redis and a RabbitMQ of the test's own |
| `waiting` | `wait_until`: wait for a condition, never for a time |
"""
