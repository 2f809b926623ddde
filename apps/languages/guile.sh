# Parallel map, pipes, fork, garbage collection.
# packages: guile-3.0 guile-3.0-libs
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
export GUILE_AUTO_COMPILE=0
guile -c '(use-modules (ice-9 threads) (ice-9 popen) (ice-9 rdelim)) (let ((pid (primitive-fork))) (if (= pid 0) (primitive-_exit 3) (begin (display (status:exit-val (cdr (waitpid pid)))) (newline)))) (display (par-map (lambda (x) (* x x)) (iota 10))) (newline) (let* ((p (open-input-pipe "echo hi"))) (display (read-line p)) (close-pipe p)) (newline) (define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (display (f 22)) (newline) (display (join-thread (call-with-new-thread (lambda () 1))))(gc)(newline)'
END
