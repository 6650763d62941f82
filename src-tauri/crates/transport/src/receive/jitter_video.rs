//! jitter_video
