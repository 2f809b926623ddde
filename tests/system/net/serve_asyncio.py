import asyncio

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"


async def serve(reader, writer):
    try:
        while (request := await reader.readline()):
            while (await reader.readline()).strip():
                pass
            n = int(request.split()[1][1:])
            body = (PATTERN * (n // 37 + 1))[:n]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n + body)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    async with await asyncio.start_server(serve, "0.0.0.0", 8000) as server:
        await server.serve_forever()


asyncio.run(main())
