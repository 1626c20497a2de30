#!/usr/bin/env bash
# Makes the media fixtures and asks ffprobe about each: small real files of every kind that the engine reads, and of
# every kind of damage that it must find. All of it is committed, so nobody has to run this to use or test the product.
#
# Made with ffmpeg 5.1.9 (Debian 12; libx264, libx265, libopus, libmp3lame, libvpx-vp9, libsvtav1) and Node 24.
# Needs those on PATH (Node: put node_modules/.bin in front). What ffmpeg cannot make, derive.mjs makes from what it made.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf mp4 flv hls aac damaged
mkdir -p mp4 flv hls aac damaged

bitexact=(-fflags +bitexact -flags:v +bitexact -flags:a +bitexact)
ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }
x264=(-c:v libx264 -preset veryslow -crf 46 -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p -threads 1)
aac_mono=(-c:a aac -b:a 24k -ac 1 -ar 44100)
# seconds, rate, size: a moving picture and a tone.
picture() { echo "testsrc2=size=${3:-160x90}:rate=${2:-25}:duration=$1"; }
tone() { echo "sine=frequency=440:sample_rate=${2:-44100}:duration=$1"; }

# ---- What the rest is copied from, so that it is encoded once.
ff -f lavfi -i "$(picture 12)" -f lavfi -i "$(tone 12)" "${x264[@]}" -bf 0 "${aac_mono[@]}" "${bitexact[@]}" "$work/long.mp4"
ff -i "$work/long.mp4" -t 6 -c copy "${bitexact[@]}" "$work/base.mp4"
ff -f lavfi -i "$(picture 4)" -f lavfi -i "$(tone 4)" "${x264[@]}" -bf 3 "${aac_mono[@]}" "${bitexact[@]}" "$work/b-frames.mp4"
ff -f lavfi -i "$(picture 4 25 96x54)" -f lavfi -i "$(tone 4)" "${x264[@]}" -bf 0 "${aac_mono[@]}" "${bitexact[@]}" "$work/low.mp4"
ff -f lavfi -i "$(picture 4)" -f lavfi -i "$(tone 4)" -c:v libx265 -preset slow -crf 46 -pix_fmt yuv420p \
  -x265-params "log-level=error:info=0:pools=1:frame-threads=1:keyint=25:min-keyint=25:scenecut=0:bframes=2" -tag:v hvc1 \
  "${aac_mono[@]}" "${bitexact[@]}" "$work/hevc.mp4"
ff -f lavfi -i "$(picture 3)" -f lavfi -i "$(tone 3 48000)" "${x264[@]}" -bf 0 -c:a libopus -b:a 24k -ac 2 "${bitexact[@]}" "$work/opus.mp4"
ff -f lavfi -i "$(picture 3)" -f lavfi -i "$(tone 3 48000)" "${x264[@]}" -bf 0 -c:a aac -b:a 32k -ac 2 -ar 48000 "${bitexact[@]}" "$work/stereo.mp4"

# ---- MP4
mp4() { local in=$1 out=$2; shift 2; ff -i "$work/$in.mp4" -c copy "${bitexact[@]}" "$@" "mp4/$out.mp4"; }
mp4 base faststart -movflags +faststart
mp4 base moov-last
mp4 base fragmented-mfra -movflags +frag_keyframe+empty_moov
mp4 base fragmented-no-index -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer
mp4 base fragmented-sidx -movflags +frag_keyframe+empty_moov+dash+global_sidx+skip_trailer
mp4 base fragmented-sidx-each -movflags +frag_keyframe+empty_moov+cmaf+dash+skip_trailer
mp4 base fragmented-edit-list -movflags +frag_keyframe+delay_moov
mp4 b-frames fragmented-b-frames -movflags +frag_keyframe+empty_moov
mp4 b-frames b-frames -movflags +faststart
mp4 base video-only -an -movflags +faststart
ff -i "$work/base.mp4" -vn -c copy "${bitexact[@]}" -movflags +faststart mp4/audio-only.m4a
mp4 hevc hevc-hvc1 -tag:v hvc1 -movflags +faststart
mp4 hevc hevc-hev1 -tag:v hev1
mp4 hevc fragmented-hevc -tag:v hvc1 -movflags +frag_keyframe+empty_moov
mp4 stereo aac-stereo-48000 -movflags +faststart
mp4 opus opus -movflags +faststart
mp4 opus fragmented-opus -movflags +frag_keyframe+empty_moov
mp4 base rotated -t 2 -metadata:s:v rotate=90 -movflags +faststart
# The first second and a half is in the file and skipped by the edit list.
ff -ss 1.5 -i "$work/base.mp4" -c copy "${bitexact[@]}" -movflags +faststart mp4/skipped-start.mp4
# The audio begins half a second late: an empty edit.
ff -i "$work/b-frames.mp4" -itsoffset 0.5 -i "$work/b-frames.mp4" -map 0:v -map 1:a -c copy "${bitexact[@]}" mp4/empty-edit.mp4
ff -f lavfi -i "$(picture 4 30000/1001)" "${x264[@]}" -bf 2 "${bitexact[@]}" -movflags +faststart mp4/ntsc.mp4
ff -f lavfi -i "$(picture 4)" -vf "select='not(eq(mod(n,7),3))*not(between(n,40,55))'" -vsync vfr "${x264[@]}" -bf 0 "${bitexact[@]}" \
  -movflags +faststart mp4/vfr.mp4
ff -f lavfi -i "$(picture 2)" -c:v libvpx-vp9 -b:v 30k -deadline good -cpu-used 4 -threads 1 -row-mt 0 "${bitexact[@]}" -movflags +faststart mp4/vp9.mp4
ff -f lavfi -i "$(picture 2)" -c:v libsvtav1 -preset 8 -qp 55 -svtav1-params lp=1 "${bitexact[@]}" -movflags +faststart mp4/av1.mp4 2>/dev/null

# ---- FLV
flv() { local in=$1 out=$2; shift 2; ff -i "$work/$in.mp4" -c copy "${bitexact[@]}" "$@" -f flv "flv/$out.flv"; }
flv base full
flv base no-duration -flvflags no_duration_filesize
flv base no-metadata -flvflags no_metadata
flv base video-only -an
flv base audio-only -vn
flv b-frames b-frames
flv stereo aac-stereo-48000
# A pipe cannot be gone back in: the duration and the size stay 0, as in a live recording that was never closed.
ff -i "$work/base.mp4" -c copy "${bitexact[@]}" -f flv - >flv/duration-zero.flv
ff -i "$work/base.mp4" -t 4 -c:v copy -c:a libmp3lame -b:a 32k -ac 1 -ar 44100 "${bitexact[@]}" -f flv flv/mp3.flv

# ---- HLS
hls() { # input, folder, options
  local in=$1 out=$2; shift 2
  mkdir -p "hls/$out"
  ff -i "$work/$in.mp4" -c copy "${bitexact[@]}" -f hls -hls_time 1 -hls_list_size 0 -hls_playlist_type vod "$@" "hls/$out/index.m3u8"
}
ff -i "$work/base.mp4" -t 4 -c copy "${bitexact[@]}" "$work/short.mp4"
ff -i "$work/hevc.mp4" -an -c copy -tag:v hvc1 "${bitexact[@]}" "$work/hevc-video.mp4"
hls long ts -hls_segment_filename hls/ts/segment%d.ts
hls long fmp4 -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 -hls_segment_filename hls/fmp4/segment%d.m4s
hls short ts-byterange -hls_flags single_file -hls_segment_filename hls/ts-byterange/all.ts
hls short fmp4-byterange -hls_flags single_file -hls_segment_type fmp4 -hls_segment_filename hls/fmp4-byterange/all.mp4
hls hevc fmp4-hevc -tag:v hvc1 -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 -hls_segment_filename hls/fmp4-hevc/segment%d.m4s
hls hevc ts-hevc -hls_segment_filename hls/ts-hevc/segment%d.ts
hls b-frames ts-b-frames -hls_segment_filename hls/ts-b-frames/segment%d.ts
hls short ts-audio-only -vn -hls_segment_filename hls/ts-audio-only/segment%d.ts
hls low ts-low -hls_segment_filename hls/ts-low/segment%d.ts
mkdir -p hls/packed-aac
ff -i "$work/short.mp4" -vn -c copy "${bitexact[@]}" -f segment -segment_time 1 -segment_format adts \
  -segment_list hls/packed-aac/index.m3u8 -segment_list_type m3u8 hls/packed-aac/segment%d.aac
printf '00112233445566778899aabbccddeeff' | xxd -r -p >"$work/key.bin"
printf 'key.bin\n%s\n0102030405060708090a0b0c0d0e0f10\n' "$work/key.bin" >"$work/key-info"
hls short aes-explicit-iv -hls_key_info_file "$work/key-info" -hls_segment_filename hls/aes-explicit-iv/segment%d.ts
cp "$work/key.bin" hls/aes-explicit-iv/key.bin

# ---- AAC
adts() { local out=$1; shift; ff "$@" "${bitexact[@]}" -f adts "aac/$out.aac"; }
adts plain -i "$work/base.mp4" -vn -c copy
adts stereo-48000 -i "$work/stereo.mp4" -vn -c copy
# Six seconds of noise and then a silence of thirty-four: the mean of the first frames tells nothing of the rest.
adts noise-then-silence -f lavfi -i "anoisesrc=duration=6:sample_rate=44100:seed=1:amplitude=0.5" -f lavfi -i "anullsrc=r=44100:cl=mono" \
  -filter_complex "[1:a]atrim=duration=34[quiet];[0:a][quiet]concat=n=2:v=0:a=1" -c:a aac -b:a 32k -ac 1
adts silence-then-noise -f lavfi -i "anoisesrc=duration=6:sample_rate=44100:seed=1:amplitude=0.5" -f lavfi -i "anullsrc=r=44100:cl=mono" \
  -filter_complex "[1:a]atrim=duration=34[quiet];[quiet][0:a]concat=n=2:v=0:a=1" -c:a aac -b:a 32k -ac 1

node derive.mjs "$work"
node probe.mjs
chmod -R u=rwX,go=rX .
du -sh .
