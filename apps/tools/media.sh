# ffmpeg encodes H.264, AAC and FLAC with threads and decodes them; ImageMagick turns and scales; gnuplot draws.
# packages: ffmpeg imagemagick libmagickcore-6.q16-6 imagemagick-6-common gnuplot-nox grep coreutils
# limit: 400
script 'as here' --cpus 2 --memory 1500M <<'END'
set -e
ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=2 -f lavfi -i sine=frequency=440:duration=2 -threads 4 -c:v libx264 -preset veryfast -c:a aac -bitexact -flags +bitexact -y a.mp4
ffprobe -v error -show_entries stream=codec_name,nb_frames -of csv a.mp4
ffmpeg -v error -i a.mp4 -threads 4 -f framemd5 - | grep -v '^#' | wc -l
ffmpeg -v error -i a.mp4 -vn -f wav pipe:1 | cat >x.wav; ffmpeg -v error -i x.wav -c:a flac -y b.flac; ffprobe -v error -show_entries stream=codec_name,sample_rate -of csv b.flac
convert-im6.q16 -size 200x100 gradient:red-blue -rotate 30 -blur 0x3 a.png
identify-im6.q16 -format '%wx%h %m\n' a.png
convert-im6.q16 a.png -resize 50% a.jpg; convert-im6.q16 a.jpg a.gif; identify-im6.q16 -format '%wx%h %m\n' a.gif
convert-im6.q16 a.png -depth 8 rgb:- | md5sum
montage-im6.q16 a.png a.jpg a.gif -geometry 60x60+2+2 m.png; identify-im6.q16 -format '%m\n' m.png
gnuplot -e 'set terminal svg; set output "p.svg"; plot sin(x)'; grep -c path p.svg
gnuplot -e 'set terminal dumb; plot x**2' | head -20
END
