//! jitter_audio
