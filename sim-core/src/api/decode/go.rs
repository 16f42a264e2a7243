//! Go's names for things: the kinds of JSON values, and the types that struct fields have.

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::StrDeserializer};
use serde_json::Value;

/// How `encoding/json` calls a JSON value; a number that cannot be an integer of the wanted size is shown.
pub(super) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// String fields whose Go type has a name of its own: field, then type. The generated types call them all strings.
const NAMED_STRINGS: [(&str, &str); 13] = [
    ("addressType", "v1.AddressType"),
    ("concurrencyPolicy", "v1.ConcurrencyPolicy"),
    ("dnsPolicy", "v1.DNSPolicy"),
    ("externalTrafficPolicy", "v1.ServiceExternalTrafficPolicy"),
    ("imagePullPolicy", "v1.PullPolicy"),
    ("internalTrafficPolicy", "v1.ServiceInternalTrafficPolicy"),
    ("ipFamilyPolicy", "v1.IPFamilyPolicy"),
    ("pathType", "v1.PathType"),
    ("protocol", "v1.Protocol"),
    ("restartPolicy", "v1.RestartPolicy"),
    ("scheme", "v1.URIScheme"),
    ("sessionAffinity", "v1.ServiceAffinity"),
    ("terminationMessagePolicy", "v1.TerminationMessagePolicy"),
];

/// The Go type of a string field of a struct.
pub(super) fn string_type(owner: &str, field: &str) -> &'static str {
    match (owner, field) {
        ("ServiceSpec", "type") => "v1.ServiceType",
        ("DeploymentStrategy", "type") => "v1.DeploymentStrategyType",
        ("Secret", "type") => "v1.SecretType",
        _ => NAMED_STRINGS.iter().find(|(name, _)| *name == field).map_or("string", |(_, go)| go),
    }
}

/// The Go type of list items: asks the visitor for one item and looks at what it wants.
pub(super) fn list_type<'de, V: Visitor<'de>>(visitor: V) -> String {
    let mut wanted = String::new();
    let _ = visitor.visit_seq(Probe { wanted: &mut wanted });
    format!("[]{wanted}")
}

/// The Go type of a map, found likewise.
pub(super) fn map_type<'de, V: Visitor<'de>>(visitor: V) -> String {
    let mut wanted = String::new();
    let _ = visitor.visit_map(Probe { wanted: &mut wanted });
    format!("map[string]{wanted}")
}

/// A deserializer that holds nothing and notes what type it was asked for.
struct Probe<'a> {
    wanted: &'a mut String,
}

impl<'a> Probe<'a> {
    fn note<T>(self, text: &str) -> Result<T, de::value::Error> {
        *self.wanted = text.into();
        Err(de::Error::custom("noted"))
    }
}

impl<'de> SeqAccess<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        seed.deserialize(Probe { wanted: self.wanted }).map(Some)
    }
}

impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key: StrDeserializer<'_, Self::Error> = "key".into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        seed.deserialize(Probe { wanted: self.wanted })
    }
}

macro_rules! note_as {
    ($($method:ident $text:literal)+) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            self.note($text)
        })+
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    note_as! {
        deserialize_any "interface {}"
        deserialize_bool "bool"
        deserialize_i32 "int32"
        deserialize_i64 "int64"
        deserialize_f64 "float64"
        deserialize_str "string"
        deserialize_string "string"
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.note(&format!("v1.{name}"))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, _: V) -> Result<V::Value, Self::Error> {
        self.note(&format!("v1.{name}"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let inner = list_type(visitor);
        self.note(&inner)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let inner = map_type(visitor);
        self.note(&inner)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}
