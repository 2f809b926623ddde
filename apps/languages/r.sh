# R: a regression, forked and socket clusters (package parallel), a plot as PDF.
# packages: r-base-core grep
# limit: 400
script 'as here' --cpus 2 --memory 1500M <<'END'
set -e
Rscript -e 'set.seed(1); x <- rnorm(1000); y <- 3*x+rnorm(1000); print(coef(lm(y~x))); library(parallel); print(unlist(mclapply(1:4, function(i) i^2, mc.cores=2))); cl <- makeCluster(2); print(unlist(parLapply(cl, 1:3, function(x) x+1))); stopCluster(cl); print(system("echo hi", intern=TRUE)); pdf("a.pdf"); plot(x,y); dev.off(); print(file.exists("a.pdf"))' 2>&1 | grep -v '^null\|^  *1'
END
