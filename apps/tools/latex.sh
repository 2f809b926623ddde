# pdfTeX with the formats that its installation made: a document in two runs, its references resolved.
# packages: texlive-latex-base
script 'a document' <<'END'
printf '%s\n' '\documentclass{article}' '\begin{document}' '\tableofcontents' '\section{One}\label{s}' \
    'See section \ref{s}: $x^2$' '\end{document}' >a.tex
pdflatex -interaction=batchmode a.tex >/dev/null
pdflatex -interaction=batchmode a.tex >/dev/null
head -c 5 a.pdf; echo
cat a.toc
grep -c 'undefined references' a.log
grep -o 'Output written on a.pdf (1 page' a.log
END
