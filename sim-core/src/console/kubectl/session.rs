//! The client's own configuration: which cluster and which namespace it talks to.
//!
//! A real kubectl reads `~/.kube/config`, written by whoever set the cluster up. Ours is a file of the sandbox with one
//! context, made up as kubeadm would make it until `kubectl config` writes it.

use serde_json::{Value, json};

use crate::api::table::document::{list, text};
use crate::console::host::{FileError, Host};
use crate::yaml;

/// Where the file lives.
pub const PATH: &str = "/root/.kube/config";
/// The address of the API server, as the file names it.
pub const SERVER: &str = "https://192.168.0.2:6443";

/// The configuration: the file's content, or what kubeadm would have written.
pub fn read(host: &mut dyn Host) -> Value {
    let file = host.read_file(PATH).ok().and_then(|text| yaml::read(&text, yaml::Profile::Kube).ok());
    file.and_then(|documents| documents.into_iter().next()).map_or_else(initial, |document| document.value)
}

/// Writes the configuration.
pub fn write(host: &mut dyn Host, config: &Value) -> Result<(), FileError> {
    host.write_file(PATH, &yaml::to_yaml(config))
}

/// The namespace of the current context.
pub fn namespace(config: &Value) -> String {
    match context(config, text(config, "current-context")).map_or("", |context| text(context, "context.namespace")) {
        "" => "default".into(),
        namespace => namespace.into(),
    }
}

fn initial() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "kubernetes-admin@kubernetes",
        "clusters": [{"name": "kubernetes", "cluster": {"certificate-authority-data": "DATA+OMITTED", "server": SERVER}}],
        "contexts": [{"name": "kubernetes-admin@kubernetes", "context": {"cluster": "kubernetes", "user": "kubernetes-admin"}}],
        "users": [{"name": "kubernetes-admin", "user": {
            "client-certificate-data": "DATA+OMITTED", "client-key-data": "DATA+OMITTED"}}],
    })
}

/// The context of that name.
pub fn context<'a>(config: &'a Value, wanted: &str) -> Option<&'a Value> {
    list(config, "contexts").iter().find(|context| text(context, "name") == wanted)
}
