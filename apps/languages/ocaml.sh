# Native and byte code compiled and run: fork, pipes, threads, stack overflow caught.
# packages: ocaml-nox ocaml ocaml-base ocaml-interp ocaml-compiler-libs gcc gcc-12 libc6-dev binutils
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > a.ml <<'P'
let rec fib n = if n < 2 then n else fib (n-1) + fib (n-2)
let () = Printf.printf "%d\n" (fib 25)
let () = let (r,w) = Unix.pipe () in
  match Unix.fork () with
  | 0 -> ignore (Unix.write_substring w "hey" 0 3); Unix._exit 2
  | _ -> let b = Bytes.create 3 in ignore (Unix.read r b 0 3); print_endline (Bytes.to_string b);
    (match Unix.wait () with (_, Unix.WEXITED n) -> Printf.printf "%d\n" n | _ -> ())
let () = let c = ref 0 and m = Mutex.create () in
  let ts = List.init 4 (fun _ -> Thread.create (fun () -> for _ = 1 to 1000 do Mutex.lock m; incr c; Mutex.unlock m; if !c mod 100 = 0 then Thread.yield () done) ()) in
  List.iter Thread.join ts; Printf.printf "%d\n" !c
let rec deep n = if n = 0 then 0 else 1 + deep (n-1)
let () = try Printf.printf "%d\n" (deep 100000) with Stack_overflow -> print_endline "so"
let () = try ignore (deep 1000000000) with Stack_overflow -> print_endline "overflow"
P
ocamlfind ocamlopt -v 2>/dev/null | head -0
ocamlopt -I +threads unix.cmxa threads.cmxa a.ml -o a && ./a
ocamlc -I +threads unix.cma threads.cma a.ml -o b && ./b
echo 'print_endline "top";;' | ocaml -stdin 2>&1 | head -3
END
