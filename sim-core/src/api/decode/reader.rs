//! A deserializer over a JSON tree that knows where it is and speaks Go.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::map::Iter;

use super::{Problem, go};
use crate::objects::quantity;

/// What a reading finds besides the first wrong type.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Unknown fields in document order.
    pub unknown: Vec<Problem>,
    /// Quantities whose canonical text differs from what is written: JSON pointer and text.
    pub quantities: Vec<(String, String)>,
}

pub(super) type Log = RefCell<Findings>;

/// Where a reader stands, as a chain up to the root.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    /// A field of a struct.
    Field(&'a Place<'a>, &'a str),
    /// An entry of a map. Go's error paths leave these out.
    Key(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

/// One value of the document about to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de, 'p> {
    value: &'de Value,
    place: &'p Place<'p>,
    /// The struct whose field is being read.
    owner: &'static str,
    log: &'p Log,
}

/// The error of a reading: a message, and the place once a reader has added it.
#[derive(Debug)]
pub(super) struct Fault(Problem);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        Fault(Problem { path: String::new(), pointer: String::new(), message, is_unknown_field: false, known: &[] })
    }
}

impl Place<'_> {
    /// `spec.ports[0].port`
    fn path(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Field(up, name) | Place::Key(up, name) => match up.path() {
                path if path.is_empty() => name.to_string(),
                path => format!("{path}.{name}"),
            },
            Place::Item(up, i) => format!("{}[{i}]", up.path()),
        }
    }

    /// `/spec/ports/0/port`
    fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Field(up, name) | Place::Key(up, name) => {
                format!("{}/{}", up.pointer(), name.replace('~', "~0").replace('/', "~1"))
            }
            Place::Item(up, i) => format!("{}/{i}", up.pointer()),
        }
    }

    /// `spec.ports.port`: struct fields only.
    fn go_path(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Item(up, _) | Place::Key(up, _) => up.go_path(),
            Place::Field(up, name) => match up.go_path() {
                path if path.is_empty() => name.to_string(),
                path => format!("{path}.{name}"),
            },
        }
    }

    fn field(&self) -> &str {
        match self {
            Place::Root => "",
            Place::Field(_, name) => name,
            Place::Item(up, _) | Place::Key(up, _) => up.field(),
        }
    }
}

impl<'de, 'p> Reader<'de, 'p> {
    pub(super) fn new(value: &'de Value, log: &'p Log) -> Self {
        Reader { value, place: &Place::Root, owner: "", log }
    }

    /// Reads the value as `T`, only to see whether it can be.
    pub(super) fn judge<T: Deserialize<'de>>(self) -> Result<(), Problem> {
        T::deserialize(self).map(drop).map_err(|fault| fault.0)
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        let (path, pointer) = (self.place.path(), self.place.pointer());
        Fault(Problem { path, pointer, message: message.into(), is_unknown_field: false, known: &[] })
    }

    /// `json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32`
    fn mismatch(&self, go_type: &str) -> Fault {
        // A number that is of the right kind but does not fit is shown.
        let integer = matches!(go_type, "int32" | "int64");
        let shown = if integer && self.value.is_number() { format!(" {}", self.value) } else { String::new() };
        let kind = go::json_kind(self.value);
        self.fault(match self.place.go_path() {
            path if path.is_empty() => format!("json: cannot unmarshal {kind}{shown} into Go value of type {go_type}"),
            path => format!("json: cannot unmarshal {kind}{shown} into Go struct field {}.{path} of type {go_type}", self.owner),
        })
    }

    fn integer(&self) -> Option<i64> {
        // YAML writes 80.0 for the integer 80 now and then.
        self.value.as_i64().or_else(|| self.value.to_string().strip_suffix(".0")?.parse().ok())
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.value.as_str().ok_or_else(|| self.mismatch(go::string_type(self.owner, self.place.field())))?;
        // The only strings that a visitor refuses are bytes that are not base64.
        visitor.visit_borrowed_str(text).map_err(|_: Fault| self.fault(not_base64(text)))
    }

    fn quantity<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let written = match self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let canonical = quantity::canonical(&written).ok_or_else(|| self.fault(quantity::NOT_A_QUANTITY))?;
        if self.value.as_str() != Some(&canonical) {
            self.log.borrow_mut().quantities.push((self.place.pointer(), canonical));
        }
        visitor.visit_newtype_struct(self)
    }

    fn time<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(text) = self.value.as_str() else {
            let kind = go::json_kind(self.value);
            return Err(self.fault(format!("json: cannot unmarshal {kind} into Go value of type string")));
        };
        visitor.visit_newtype_struct(self).map_err(|_| {
            let layout = "2006-01-02T15:04:05Z07:00";
            self.fault(format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\""))
        })
    }
}

/// Go's `base64.CorruptInputError`.
fn not_base64(text: &str) -> String {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let at = text.bytes().position(|b| !legal(b)).unwrap_or(text.len() / 4 * 4);
    format!("illegal base64 data at input byte {at}")
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // Free-form JSON takes all there is; an IntOrString refuses what is neither.
        self.value.deserialize_any(visitor).map_err(|_| {
            let kind = go::json_kind(self.value);
            let shown = if self.value.is_number() { format!(" {}", self.value) } else { String::new() };
            self.fault(format!("json: cannot unmarshal {kind}{shown} into Go value of type int32"))
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.value.as_bool().ok_or_else(|| self.mismatch("bool"))?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = self.integer().and_then(|n| i32::try_from(n).ok());
        visitor.visit_i32(number.ok_or_else(|| self.mismatch("int32"))?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i64(self.integer().ok_or_else(|| self.mismatch("int64"))?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.is_number() {
            self.value.deserialize_any(visitor).map_err(de::Error::custom)
        } else {
            Err(self.mismatch("float64"))
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            "Quantity" => self.quantity(visitor),
            "Time" | "MicroTime" => self.time(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.as_array() {
            Some(list) => visitor.visit_seq(Items { reader: self, list, next: 0 }),
            None => Err(self.mismatch(&go::list_type(visitor))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.as_object() {
            Some(map) => visitor.visit_map(Entries { reader: self, rest: map.iter(), value: None, fields: None }),
            None => Err(self.mismatch(&go::map_type(visitor))),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value.as_object() {
            Some(map) => {
                let reader = Reader { owner: name, ..self };
                visitor.visit_map(Entries { reader, rest: map.iter(), value: None, fields: Some(fields) })
            }
            None => Err(self.mismatch(&format!("v1.{name}"))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// The items of a list; nulls are skipped.
struct Items<'de, 'p> {
    reader: Reader<'de, 'p>,
    list: &'de [Value],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        while let Some(value) = self.list.get(self.next) {
            let at = self.next;
            self.next += 1;
            if !value.is_null() {
                let place = Place::Item(self.reader.place, at);
                return seed.deserialize(Reader { value, place: &place, ..self.reader }).map(Some);
            }
        }
        Ok(None)
    }
}

/// The entries of a map (`fields` is `None`) or the fields of a struct; nulls are skipped, unknown fields noted.
struct Entries<'de, 'p> {
    reader: Reader<'de, 'p>,
    rest: Iter<'de>,
    value: Option<(&'de str, &'de Value)>,
    fields: Option<&'static [&'static str]>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        for (key, value) in self.rest.by_ref() {
            if let Some(known) = self.fields.filter(|fields| !fields.contains(&key.as_str())) {
                let place = Place::Field(self.reader.place, key);
                let (path, pointer) = (place.path(), place.pointer());
                let message = format!("unknown field {path:?}");
                self.reader.log.borrow_mut().unknown.push(Problem { path, pointer, message, is_unknown_field: true, known });
            } else if !value.is_null() {
                self.value = Some((key, value));
                return seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (key, value) = self.value.take().expect("invariant: serde asks for a value after its key");
        let up = self.reader.place;
        let place = if self.fields.is_some() { Place::Field(up, key) } else { Place::Key(up, key) };
        seed.deserialize(Reader { value, place: &place, ..self.reader })
    }
}
