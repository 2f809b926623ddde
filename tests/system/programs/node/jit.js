// Functions that get hot: optimised code, deoptimisation, inline caches, wasm, the collector.
'use strict';
function sum(n) { let s = 0; for (let i = 0; i < n; i++) s = (s + i * i) | 0; return s; }
let total = 0;
for (let i = 0; i < 300; i++) total = (total + sum(3000)) | 0;
console.log('sum', total);

// The same function with other shapes and types: compiled code is thrown away and made again.
function get(o) { return o.x + 1; }
let out = [];
for (let i = 0; i < 20000; i++) get({ x: i });
for (let i = 0; i < 100; i++) get({ y: i, x: 0.5 });
for (const v of ['s', 1n, null, { valueOf() { return 41; } }, undefined]) {
    try { out.push(String(get({ x: v }))); } catch (e) { out.push(e.constructor.name); }
}
console.log('shapes', out.join(' '));

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
console.log('fib', fib(22));

function deep(n) { return deep(n + 1) + 1; }
try { deep(0); } catch (e) { console.log('deep', e instanceof RangeError, e.message); }

// (module (func (export "f") (param i32) (result i32) ... n * n + 1); and an access out of bounds
// of its memory, which is a fault in compiled code that becomes an exception.
const square = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 3, 2, 0,
    0, 5, 3, 1, 0, 1, 7, 9, 2, 1, 102, 0, 0, 1, 103, 0, 1, 10, 20, 2, 10, 0, 32, 0, 32, 0, 108, 65, 1,
    106, 11, 7, 0, 32, 0, 40, 2, 0, 11]);
const wasm = new WebAssembly.Instance(new WebAssembly.Module(square)).exports;
let w = 0;
for (let i = 0; i < 50000; i++) w = (w + wasm.f(i)) | 0;
console.log('wasm', w, wasm.g(8));
for (const address of [65533, 65536, 0x7fffffff, -4]) {
    try { console.log(wasm.g(address)); } catch (e) { console.log('bounds', e.constructor.name); }
}

let kept = [], bytes = 0;
for (let i = 0; i < 60000; i++) {
    const o = { i, s: 'x'.repeat(i % 50), a: new Array(i % 20).fill(i) };
    bytes += o.s.length + o.a.length;
    if (i % 100 === 0) kept.push(o);
}
global.gc();
console.log('collector', bytes, kept.length, kept.reduce((a, o) => a + o.i, 0));
const registry = new FinalizationRegistry((v) => console.log('finalised', v));
(function () { registry.register({}, 'object'); })();
setTimeout(() => { global.gc(); setTimeout(() => { console.log('end'); }, 20); }, 1);
console.log('regexp', 'aaaa'.repeat(500).replace(/(a)(?=a)/g, 'b').length, /(\d+)-(\w+)/.exec('x 42-foo')[2]);
