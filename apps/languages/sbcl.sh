# Threads, garbage collection, memory faults as conditions, run-program, fork.
# packages: sbcl
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > a.lisp <<'P'
(defun fib (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(print (fib 25))
(require :sb-bsd-sockets) (require :sb-posix)
(let ((ts (loop for i below 4 collect (let ((i i)) (sb-thread:make-thread (lambda () (let ((l nil)) (dotimes (k 100000) (push k l)) (+ i (length l)))))))))
  (print (mapcar #'sb-thread:join-thread ts)))
(gc :full t)
(print (with-output-to-string (s) (sb-ext:run-program "/bin/echo" '("hi") :output s)))
(print (handler-case (sb-ext:with-timeout 0.2 (sleep 10)) (sb-ext:timeout () :timeout)))
(print (handler-case (sb-sys:with-pinned-objects () (sb-sys:sap-ref-8 (sb-sys:int-sap 8) 0)) (error (c) (type-of c))))
(print (sb-posix:getuid))
(let ((l nil)) (dotimes (i 2000000) (push (make-array 10) l) (when (= 0 (mod i 1000)) (setf l nil))) (print :gc))
(let ((p (sb-posix:fork))) (if (= p 0) (sb-ext:exit :code 3 :abort t) (print (sb-posix:wexitstatus (nth-value 1 (sb-posix:waitpid p 0))))))
(terpri)
P
sbcl --noinform --non-interactive --no-userinit --load a.lisp 2>&1 | sed "s/[pt]id [0-9]*//g;s/0x7f[0-9a-f]*/X/g"
END
