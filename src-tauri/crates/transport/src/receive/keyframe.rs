//! keyframe
