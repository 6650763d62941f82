//! A desktop's session bus, with a place for notices and one for tray icons.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zbus::{Connection, ObjectPath, OwnedVariant, Variant, connection, interface, message::Header};

use crate::process::Group;

/// What a desktop was asked to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub text: String,
}

/// An entry of a tray icon's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    number: i32,
    pub label: String,
    pub enabled: bool,
    pub checked: bool,
}

/// A bus of its own, on which somebody listens.
pub struct Desk {
    _bus: Group,
    address: String,
    connection: Connection,
    notices: Arc<Mutex<Vec<Notice>>>,
    icons: Arc<Mutex<Vec<Icon>>>,
}

/// Whose it is on the bus, and where it lies there.
#[derive(Clone)]
struct Icon {
    owner: String,
    path: String,
}

/// A menu: its number, its properties and what is in it.
type Layout = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

impl Desk {
    /// # Panics
    /// If there is no `dbus-daemon`, or it does not come up.
    pub async fn start() -> Self {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let mut bus = Group::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
        let address = bus.lines().next().expect("the bus says where it is");
        let (notices, icons) = <(Arc<Mutex<Vec<Notice>>>, Arc<Mutex<Vec<Icon>>>)>::default();
        let connection = serve(&address, Notices(notices.clone()), Icons(icons.clone())).await.expect("the bus takes a desktop");
        Self { _bus: bus, address, connection, notices, icons }
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All notices so far.
    pub fn notices(&self) -> Vec<Notice> {
        lock(&self.notices).clone()
    }

    /// The menu of the icon that came last, as it is now; none if there is no icon yet.
    pub async fn menu(&self) -> Option<Vec<Entry>> {
        let icon = lock(&self.icons).last().cloned()?;
        let reply = self.ask(&icon, "GetLayout", &(0i32, -1i32, Vec::<String>::new())).await?;
        let (_, (_, _, children)): (u32, Layout) = reply.body().deserialize().ok()?;
        Some(children.into_iter().filter_map(|child| entry(child.into())).collect())
    }

    /// Chooses an entry of that menu.
    pub async fn choose(&self, entry: &Entry) {
        let icon = lock(&self.icons).last().cloned().expect("there is an icon");
        let chosen = (entry.number, "clicked", Variant::from(0i32), 0u32);
        self.ask(&icon, "Event", &chosen).await.expect("the menu answers");
    }

    /// Asks the menu of an icon something.
    async fn ask<B>(&self, icon: &Icon, method: &str, body: &B) -> Option<zbus::Message>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        let get = self.connection.call_method(
            Some(icon.owner.as_str()),
            icon.path.as_str(),
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(ITEM, "Menu"),
        );
        let menu: OwnedVariant = get.await.ok()?.body().deserialize().ok()?;
        let menu = ObjectPath::try_from(menu).ok()?;
        self.connection.call_method(Some(icon.owner.as_str()), menu, Some(MENU), method, body).await.ok()
    }
}

fn entry(child: Variant<'_>) -> Option<Entry> {
    let Variant::Structure(fields) = child else { return None };
    let mut fields = fields.into_fields().into_iter();
    let number = i32::try_from(fields.next()?).ok()?;
    let properties = HashMap::<String, OwnedVariant>::try_from(fields.next()?).ok()?;
    let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok());
    let is = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
    let state = properties.get("toggle-state").and_then(|value| i32::try_from(value).ok());
    let label = text("label")?.replace('_', "");
    Some(Entry { number, label, enabled: is("enabled").unwrap_or(true), checked: state == Some(1) })
}

async fn serve(address: &str, notices: Notices, icons: Icons) -> zbus::Result<Connection> {
    connection::Builder::address(address)
        .name("org.freedesktop.Notifications")
        .name("org.kde.StatusNotifierWatcher")
        .serve_at("/org/freedesktop/Notifications", notices)
        .serve_at("/StatusNotifierWatcher", icons)
        .build()
        .await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Desktop Notifications Specification 1.2.
struct Notices(Arc<Mutex<Vec<Notice>>>);

#[interface(name = "org.freedesktop.Notifications")]
impl Notices {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        _app: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _timeout: i32,
    ) -> u32 {
        let mut notices = lock(&self.0);
        notices.push(Notice { title, text });
        notices.len() as u32
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("desk".into(), "tests".into(), "1".into(), "1.2".into())
    }

    fn close_notification(&self, _id: u32) {}
}

/// StatusNotifierItem: who draws the icons that programs announce.
struct Icons(Arc<Mutex<Vec<Icon>>>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Icons {
    fn register_status_notifier_item(&self, path: String, #[zbus(header)] header: Header<'_>) {
        if let Some(owner) = header.sender() {
            lock(&self.0).push(Icon { owner: owner.to_string(), path });
        }
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}
