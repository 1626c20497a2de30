#!/usr/bin/env bash
# Makes the sample recordings that the simulator serves: 6 s of H.264 and AAC in each format of the provider.
# Needs ffmpeg; the files are committed, so nobody has to run this to use or test the product.
set -euo pipefail
cd "$(dirname "$0")"
source=(-f lavfi -i "testsrc2=size=160x90:rate=25:duration=6" -f lavfi -i "sine=frequency=440:sample_rate=44100:duration=6")
video=(-c:v libx264 -preset veryslow -crf 40 -g 50 -pix_fmt yuv420p)
audio=(-c:a aac -b:a 32k -ac 1)
quiet=(-hide_banner -loglevel error -y -fflags +bitexact -flags:v +bitexact -flags:a +bitexact)
ffmpeg "${quiet[@]}" "${source[@]}" "${video[@]}" "${audio[@]}" -movflags +faststart sample.mp4
ffmpeg "${quiet[@]}" "${source[@]}" "${video[@]}" "${audio[@]}" sample.flv
ffmpeg "${quiet[@]}" -f lavfi -i "sine=frequency=440:sample_rate=44100:duration=6" "${audio[@]}" -f adts sample.aac
mkdir -p hls
ffmpeg "${quiet[@]}" "${source[@]}" "${video[@]}" "${audio[@]}" -f hls -hls_time 2 -hls_playlist_type vod \
  -hls_segment_filename 'hls/segment%d.ts' hls/sample.m3u8
