//! Sound from one number of channels to another.

/// Appends `input` (frames of `from` channels) to `output` as frames of `to` channels. To fewer: each gets the mean of the front two
/// where one is wanted, else the first ones. To more: the last one is repeated.
pub fn remix(input: &[f32], from: usize, to: usize, output: &mut Vec<f32>) {
    match (from, to) {
        (0, _) | (_, 0) => {}
        (from, to) if from == to => output.extend_from_slice(input),
        (from, 1) => output.extend(input.chunks_exact(from).map(|frame| (frame[0] + frame[1]) * 0.5)),
        (from, to) => {
            output.extend(input.chunks_exact(from).flat_map(|frame| (0..to).map(move |channel| frame[channel.min(from - 1)])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remixed(input: &[f32], from: usize, to: usize) -> Vec<f32> {
        let mut output = Vec::new();
        remix(input, from, to, &mut output);
        output
    }

    #[test]
    fn stereo_becomes_mono_by_its_mean_and_mono_stereo_by_doubling() {
        assert_eq!(remixed(&[0.2, 0.4, -1.0, 1.0], 2, 1), [0.3, 0.0]);
        assert_eq!(remixed(&[0.2, 0.4], 1, 2), [0.2, 0.2, 0.4, 0.4]);
        assert_eq!(remixed(&[0.2, 0.4], 2, 2), [0.2, 0.4]);
    }

    #[test]
    fn more_than_two_channels_are_heard_at_the_front() {
        assert_eq!(remixed(&[0.1, 0.2, 0.3, 0.4], 4, 2), [0.1, 0.2]);
        assert_eq!(remixed(&[0.1, 0.3, 0.9], 3, 1), [0.2]);
    }

    #[test]
    fn no_channels_are_no_sound() {
        assert!(remixed(&[0.1], 0, 2).is_empty() && remixed(&[0.1], 1, 0).is_empty());
    }
}
