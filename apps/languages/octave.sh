# Octave: matrices, files, a program started.
# packages: octave
# limit: 400
script 'as here' --cpus 2 --memory 1500M <<'END'
set -e
octave-cli --no-init-file --eval 'A=magic(4); disp(A*A); disp(eig([2 1;1 2])); [s,o]=system("echo out"); disp(o); x=fzero(@cos,[1 2]); printf("%.6f\n",x); disp(sum(rand(100)(:))>0); fid=fopen("t","w"); fprintf(fid,"hello\n"); fclose(fid); type t;'
END
