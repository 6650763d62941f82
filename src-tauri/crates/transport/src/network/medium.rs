//! What kind of network this machine's traffic goes over, by the interface of its default route: pure, but for [`medium`].

use std::fmt;

/// Agora's kinds of network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Medium {
    /// The system does not say.
    #[default]
    Unknown,
    /// There is no way off this machine.
    None,
    Ethernet,
    Wifi,
    Cellular,
    Bluetooth,
    Wimax,
    /// A tunnel: a VPN over any of the others.
    Other,
}

impl Medium {
    /// Agora's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Ethernet => "ethernet",
            Self::Wifi => "wifi",
            Self::Cellular => "cellular",
            Self::Bluetooth => "bluetooth",
            Self::Wimax => "wimax",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What this machine's traffic goes over now. Known on Linux; reads a few of the kernel's own files.
#[cfg(target_os = "linux")]
pub fn medium() -> Medium {
    use std::fs;
    // Without IPv6, or with nothing else, one of them is not there.
    let routes = |path| fs::read_to_string(path).unwrap_or_default();
    let Some(name) = interface(&routes("/proc/net/route"), &routes("/proc/net/ipv6_route")) else { return Medium::None };
    let folder = std::path::Path::new("/sys/class/net").join(&name);
    let there = |file| folder.join(file).exists();
    let read = |file| fs::read_to_string(folder.join(file)).unwrap_or_default();
    Interface { kind: &read("type"), uevent: &read("uevent"), wireless: there("wireless") || there("phy80211"), tunnel: there("tun_flags") }
        .medium()
}

/// What this machine's traffic goes over now: this system is not asked.
#[cfg(not(target_os = "linux"))]
pub fn medium() -> Medium {
    Medium::Unknown
}

/// Route flags of the kernel's `route.h`: it is up; nothing gets through it.
const UP: u32 = 0x0001;
const REJECT: u32 = 0x0200;
const LOOPBACK: &str = "lo";

/// A way off this machine.
#[derive(Debug)]
struct Route<'a> {
    interface: &'a str,
    default: bool,
    metric: u32,
}

impl<'a> Route<'a> {
    /// A line of `/proc/net/route`: interface, destination, gateway, flags, two counters, metric, mask and more.
    fn ipv4(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [interface, destination, _, flags, _, _, metric, mask, ..] = fields[..] else { return None };
        let default = destination == "00000000" && mask == "00000000";
        Self::new(interface, default, u32::from_str_radix(flags, 16).ok()?, metric.parse().ok()?)
    }

    /// A line of `/proc/net/ipv6_route`: destination and its length, source and its length, next hop, metric, two counters, flags,
    /// interface.
    fn ipv6(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, length, _, _, _, metric, _, _, flags, interface] = fields[..] else { return None };
        // Link-local addresses and multicast are on every interface and lead nowhere.
        if destination.starts_with("fe80") || destination.starts_with("ff") {
            return None;
        }
        Self::new(interface, length == "00", u32::from_str_radix(flags, 16).ok()?, u32::from_str_radix(metric, 16).ok()?)
    }

    fn new(interface: &'a str, default: bool, flags: u32, metric: u32) -> Option<Self> {
        let usable = flags & UP != 0 && flags & REJECT == 0 && interface != LOOPBACK && is_name(interface);
        usable.then_some(Self { interface, default, metric })
    }
}

/// An interface has at most 15 characters, and none that would lead out of a folder.
fn is_name(name: &str) -> bool {
    (1..16).contains(&name.len()) && !name.contains('/') && name != "." && name != ".."
}

/// The interface that most of this machine's traffic goes over, by its routes: that of the best default route, IPv4's before IPv6's, else
/// that of the best other one.
fn interface(ipv4: &str, ipv6: &str) -> Option<String> {
    let ipv4 = ipv4.lines().filter_map(Route::ipv4).map(|route| (0, route));
    let ipv6 = ipv6.lines().filter_map(Route::ipv6).map(|route| (1, route));
    let best = ipv4.chain(ipv6).min_by_key(|(family, route)| (!route.default, *family, route.metric));
    best.map(|(_, route)| route.interface.to_owned())
}

/// What the kernel says of an interface in `/sys/class/net`.
#[derive(Clone, Copy, Debug, Default)]
struct Interface<'a> {
    /// The file `type`: a number of `if_arp.h`.
    kind: &'a str,
    /// The file `uevent`.
    uevent: &'a str,
    /// There is `wireless` or `phy80211`.
    wireless: bool,
    /// There is `tun_flags`.
    tunnel: bool,
}

impl Interface<'_> {
    fn medium(&self) -> Medium {
        let device = self.uevent.lines().find_map(|line| line.strip_prefix("DEVTYPE="));
        match (device, self.kind.trim()) {
            (Some("wlan"), _) | (_, "801" | "802" | "803") => Medium::Wifi,
            _ if self.wireless => Medium::Wifi,
            // 519: raw IP, as modems of telephones speak it.
            (Some("wwan"), _) | (_, "519") => Medium::Cellular,
            (Some("bluetooth"), _) => Medium::Bluetooth,
            (Some("wimax"), _) => Medium::Wimax,
            // 65534: no hardware; 768 to 778 are tunnels, but for the loopback; 512: PPP.
            (Some("wireguard" | "ppp" | "tun" | "vti" | "ipip" | "gre" | "sit"), _) => Medium::Other,
            (_, "65534" | "512" | "768" | "769" | "776" | "778") => Medium::Other,
            _ if self.tunnel => Medium::Other,
            (_, "772") => Medium::None,
            // Bridges and bonds among them.
            (_, "1") => Medium::Ethernet,
            _ => Medium::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const WIFI: &str = "wlp2s0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
    const CABLE: &str = "enp3s0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
    const DOCKER: &str = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn the_default_route_with_the_least_metric_counts() {
        let table = [HEAD, DOCKER, WIFI, CABLE].concat();
        assert_eq!(interface(&table, "").as_deref(), Some("enp3s0"));
        assert_eq!(interface(&[HEAD, DOCKER, WIFI].concat(), "").as_deref(), Some("wlp2s0"));
        assert_eq!(interface(&[HEAD, DOCKER].concat(), "").as_deref(), Some("docker0"), "there is no other");
        assert_eq!(interface(HEAD, ""), None);
    }

    #[test]
    fn where_there_is_only_ipv6_its_routes_count() {
        let zero = "0".repeat(32);
        let route = |to: &str, length: &str, metric: &str, flags: &str, name: &str| {
            format!("{to} {length} {zero} 00 {zero} {metric} 00000001 00000000 {flags} {name}\n")
        };
        let (link, local) = (format!("fe80{}", &zero[4..]), format!("fd78{}", &zero[4..]));
        let table = [
            route(&link, "40", "00000100", "00000001", "virbr0"),
            route(&local, "40", "00000100", "00000001", "eth1"),
            route(&zero, "00", "00000400", "00000003", "eth0"),
            route(&zero, "00", "ffffffff", "00200200", "lo"),
        ];
        assert_eq!(interface(HEAD, &table.concat()).as_deref(), Some("eth0"));
        assert_eq!(interface(HEAD, &table[..2].concat()).as_deref(), Some("eth1"));
        assert_eq!(interface(HEAD, &[&table[0][..], &table[3][..]].concat()), None);
    }

    #[test]
    fn an_interface_is_what_the_kernel_calls_it() {
        let of = |kind, uevent| Interface { kind, uevent, ..Interface::default() }.medium();
        assert_eq!(of("1\n", "INTERFACE=enp3s0\nIFINDEX=2\n"), Medium::Ethernet);
        assert_eq!(of("1\n", "DEVTYPE=bridge\nINTERFACE=br0\nIFINDEX=2\n"), Medium::Ethernet);
        assert_eq!(of("1\n", "DEVTYPE=wlan\nINTERFACE=wlp2s0\nIFINDEX=3\n"), Medium::Wifi);
        assert_eq!(of("1\n", "DEVTYPE=wwan\nINTERFACE=wwan0\nIFINDEX=4\n"), Medium::Cellular);
        assert_eq!(of("65534\n", "DEVTYPE=wwan\nINTERFACE=wwan0\nIFINDEX=4\n"), Medium::Cellular);
        assert_eq!(of("519\n", "INTERFACE=rmnet0\n"), Medium::Cellular);
        assert_eq!(of("1\n", "DEVTYPE=bluetooth\nINTERFACE=bnep0\n"), Medium::Bluetooth);
        assert_eq!(of("65534\n", "DEVTYPE=wireguard\nINTERFACE=wg0\n"), Medium::Other);
        assert_eq!(of("65534\n", "INTERFACE=tun0\n"), Medium::Other);
        assert_eq!(of("772\n", "INTERFACE=lo\n"), Medium::None);
        assert_eq!(of("", ""), Medium::Unknown);
        assert_eq!(Interface { kind: "1", wireless: true, ..Interface::default() }.medium(), Medium::Wifi);
        assert_eq!(Interface { kind: "1", tunnel: true, ..Interface::default() }.medium(), Medium::Other);
    }

    #[test]
    fn a_name_that_leads_out_of_its_folder_is_none() {
        for name in ["../../etc", "..", ".", "a/b", "an-endless-interface"] {
            assert_eq!(interface(&CABLE.replace("enp3s0", name), ""), None, "{name}");
        }
    }

    #[test]
    fn the_words_are_agoras() {
        let all = [Medium::Unknown, Medium::None, Medium::Ethernet, Medium::Wifi, Medium::Cellular, Medium::Bluetooth, Medium::Wimax];
        let words: Vec<String> = all.iter().map(Medium::to_string).collect();
        assert_eq!(words.join("|"), "unknown|none|ethernet|wifi|cellular|bluetooth|wimax");
        assert_eq!(Medium::Other.as_str(), "other");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_is_asked_without_harm() {
        let _ = medium();
    }

    proptest! {
        #[test]
        fn any_text_has_routes_or_none(ipv4 in "[ -~\n\t]{0,300}", ipv6 in "[0-9a-f \n]{0,400}", kind in ".{0,9}", uevent in ".{0,99}") {
            let name = interface(&ipv4, &ipv6);
            prop_assert!(name.is_none_or(|name| is_name(&name)));
            let _ = Interface { kind: &kind, uevent: &uevent, ..Interface::default() }.medium();
        }
    }
}
