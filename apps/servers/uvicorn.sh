# uvicorn (asyncio): an ASGI application, many clients.
# packages: uvicorn apache2-utils
cat >"$WORK/app.py" <<'END'
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["query_string"][::-1]})
END
machine -p 80 --cpus 2 --memory 512M --add "$WORK/app.py" --package python3-uvicorn uvicorn --host 0.0.0.0 --port 80 --lifespan off --app-dir "$WORK" app:app
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' cba curl -s "$url/?abc"
check 'many clients' sh -c "ab -q -n 300 -c 16 '$url/?x' | grep -q 'Failed requests: *0\$'"
finishes
