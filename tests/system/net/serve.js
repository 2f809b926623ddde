const pattern = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz\n');
require('http').createServer((request, response) => {
    const n = Number(request.url.slice(1));
    const body = Buffer.alloc(n, pattern);
    response.writeHead(200, {'Content-Length': n});
    response.end(body);
}).listen(8000, '0.0.0.0');
