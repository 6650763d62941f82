//! A world as a picture: rates above, the queue below, over time.

use std::fmt::Write as _;

use transport::send::rate::simulation::world::World;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 944.0;
/// Top and bottom of the two panels.
const RATES: (f64, f64) = (64.0, 316.0);
const QUEUE: (f64, f64) = (348.0, 428.0);
/// Milliseconds a point stands for.
const STEP: usize = 100;

const GREY: &str = "#8b95a3";
const GREEN: &str = "#0f9d6b";
const RED: &str = "#c2332e";
/// Target and sent of each call.
const CALLS: [(&str, &str); 2] = [("#1d4ed8", "#93b8f5"), ("#b4540a", "#f3b36b")];

/// One line of a panel.
struct Series {
    name: String,
    colour: &'static str,
    width: f64,
    dashed: bool,
    /// One for each [`STEP`]; not a number where there is nothing to draw.
    points: Vec<f64>,
}

/// A panel's place and scale.
struct Axes {
    top: f64,
    bottom: f64,
    most: f64,
    seconds: f64,
}

impl Axes {
    fn x(&self, second: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * second / self.seconds
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (value / self.most).min(1.0)
    }
}

/// The whole picture.
pub fn svg(title: &str, world: &World) -> String {
    let rates = rates(world);
    let queue = [queue(world)];
    let seconds = f64::from(world.seconds());
    // A path much wider than what is sent would flatten everything else.
    let used = most(rates.iter().filter(|series| !series.dashed));
    let upper = Axes { top: RATES.0, bottom: RATES.1, most: round_up(used * 1.1), seconds };
    let lower = Axes { top: QUEUE.0, bottom: QUEUE.1, most: round_up(most(queue.iter()).max(50.0) * 1.1), seconds };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"600\">{}</text>\n",
        escape(title)
    );
    legend(&mut out, rates.iter().chain(&queue), upper.most);
    grid(&mut out, &upper, 5, "kb/s", false);
    grid(&mut out, &lower, 2, "ms", true);
    for (axes, series) in [(&upper, &rates[..]), (&lower, &queue[..])] {
        series.iter().for_each(|series| line(&mut out, axes, series));
    }
    out.push_str("</svg>\n");
    out
}

fn rates(world: &World) -> Vec<Series> {
    let mut all = vec![Series {
        name: "capacity".to_owned(),
        colour: GREY,
        width: 1.5,
        dashed: true,
        points: bins(world.log.len(), |at| world.log[at].capacity / 1e3),
    }];
    let kbps = |bytes: f64| bytes * 8.0;
    if world.log.iter().any(|moment| moment.downloaded > 0) {
        let points = from_its_beginning(bins(world.log.len(), |at| kbps(world.log[at].downloaded as f64)));
        all.push(Series { name: "download".to_owned(), colour: GREEN, width: 1.2, dashed: false, points });
    }
    for (index, (call, (target, sent))) in world.calls.iter().zip(CALLS.iter().cycle()).enumerate() {
        let of = if world.calls.len() > 1 { format!(", call {}", index + 1) } else { String::new() };
        let points = from_its_beginning(bins(call.log.len(), |at| kbps(call.log[at].sent as f64)));
        all.push(Series { name: format!("sent{of}"), colour: sent, width: 1.2, dashed: false, points });
        let points = from_its_beginning(bins(call.log.len(), |at| f64::from(call.log[at].target) / 1e3));
        all.push(Series { name: format!("target{of}"), colour: target, width: 1.8, dashed: false, points });
    }
    all
}

fn queue(world: &World) -> Series {
    let points = bins(world.log.len(), |at| world.log[at].queue.as_secs_f64() * 1e3);
    Series { name: "queue".to_owned(), colour: RED, width: 1.4, dashed: false, points }
}

/// Means over each [`STEP`].
fn bins(length: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..length / STEP).map(|bin| (bin * STEP..(bin + 1) * STEP).map(&value).sum::<f64>() / STEP as f64).collect()
}

/// Without the zeros of the time before somebody joined.
fn from_its_beginning(mut points: Vec<f64>) -> Vec<f64> {
    points.iter_mut().take_while(|point| **point == 0.0).for_each(|point| *point = f64::NAN);
    points
}

fn most<'a>(series: impl Iterator<Item = &'a Series>) -> f64 {
    series.flat_map(|series| &series.points).fold(0.0, |most, point| most.max(*point))
}

/// The next of the numbers that divide well by five and by two.
fn round_up(value: f64) -> f64 {
    let unit = 10f64.powf(value.max(1.0).log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0].into_iter().map(|step| step * unit).find(|step| *step >= value).unwrap_or(10.0 * unit)
}

/// What is drawn at the upper edge because it is more than `most` kb/s says so.
fn legend<'a>(out: &mut String, series: impl Iterator<Item = &'a Series>, most: f64) {
    let mut x = LEFT;
    for series in series {
        let Series { name, colour, dashed, .. } = series;
        let highest = series.points.iter().copied().fold(0.0, f64::max);
        let name = if *dashed && highest > most { format!("{name} (off the scale: {highest:.0} kb/s)") } else { name.clone() };
        let dash = if *dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let _ = writeln!(
            out,
            "<path d=\"M{x} 44h22\" stroke=\"{colour}\" stroke-width=\"3\"{dash}/><text x=\"{}\" y=\"48\">{}</text>",
            x + 28.0,
            escape(&name)
        );
        x += 46.0 + name.len() as f64 * 6.5;
    }
}

fn grid(out: &mut String, axes: &Axes, lines: u32, unit: &str, times: bool) {
    for index in 0..=lines {
        let value = axes.most * f64::from(index) / f64::from(lines);
        let y = axes.y(value);
        let label = if index == lines { format!("{value:.0} {unit}") } else { format!("{value:.0}") };
        let _ = writeln!(out, "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#e6e9ee\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, y + 4.0);
    }
    let step = [1.0, 2.0, 5.0, 10.0, 20.0].into_iter().find(|step| axes.seconds / step <= 20.0).unwrap_or(60.0);
    let mut second = 0.0;
    while second <= axes.seconds {
        let x = axes.x(second);
        let _ = writeln!(out, "<path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"#f1f3f6\"/>", axes.top, axes.bottom);
        if times {
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second:.0} s</text>", axes.bottom + 18.0);
        }
        second += step;
    }
}

fn line(out: &mut String, axes: &Axes, series: &Series) {
    let dash = if series.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
    let _ = write!(out, "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{dash} points=\"", series.colour, series.width);
    for (bin, point) in series.points.iter().enumerate().filter(|(_, point)| !point.is_nan()) {
        let _ = write!(out, "{:.1},{:.1} ", axes.x((bin * STEP) as f64 / 1e3), axes.y(*point));
    }
    out.push_str("\"/>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
