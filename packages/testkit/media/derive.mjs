// Makes the fixtures that ffmpeg cannot make, out of those it made. Called by make.sh with the folder of its mezzanines.
import { deriveAac } from "./derive-aac.mjs";
import { deriveDamaged } from "./derive-damaged.mjs";
import { deriveFlv } from "./derive-flv.mjs";
import { deriveHls } from "./derive-hls.mjs";
import { deriveMp4 } from "./derive-mp4.mjs";

const work = process.argv[2];
deriveMp4();
deriveFlv(work);
deriveHls();
deriveAac();
deriveDamaged();
