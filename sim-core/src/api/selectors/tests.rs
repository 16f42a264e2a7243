use serde_json::json;

use super::*;
use crate::api::kinds;

#[test]
fn label_selectors_select() {
    let doc = json!({"metadata": {"labels": {"app": "web", "tier": "front", "n": "5", "e": ""}}});
    for (text, selected) in [
        ("", true),
        ("app=web", true),
        ("app==web,tier=front", true),
        ("app = web , tier!=back", true),
        ("app!=web", false),
        ("missing!=x", true),
        ("missing=", false),
        ("e=", true),
        ("app", true),
        ("!app", false),
        ("!missing", true),
        ("tier in (front, back)", true),
        ("tier notin (front)", false),
        ("missing notin (a)", true),
        ("n>4,n<6", true),
        ("n>5", false),
    ] {
        let selector = LabelSelector::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(selector.matches_labels(&doc, "/metadata/labels"), selected, "{text}");
        assert_eq!(LabelSelector::parse(&selector.to_string()).as_ref(), Ok(&selector), "{selector}");
    }
}

#[test]
fn wrong_label_selectors_are_refused() {
    let wrong = ["a in", "a b", "=x", "a,,b", "a in (x", "a=(", "-a=b", "a=b c", "n>x", "a=-b", "!"];
    let told = wrong.map(|text| LabelSelector::parse(text).expect_err(text).to_string());
    insta::assert_snapshot!(told.join("\n"), @r#"
        unable to parse requirement: found '' expected: '('
        unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt
        unable to parse requirement: found '=', expected: !, identifier, or 'end of string'
        unable to parse requirement: found ',', expected: identifier after ','
        unable to parse requirement: found '', expected: ',' or ')'
        unable to parse requirement: found '(', expected: identifier
        unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        unable to parse requirement: found 'c', expected: ',' or 'end of string'
        unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer
        unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
        unable to parse requirement: <nil>: Invalid value: "": name part must be non-empty
        "#);
}

#[test]
fn the_object_form_means_the_same() {
    let selector = json!({"matchLabels": {"a": "1"}, "matchExpressions": [
        {"key": "b", "operator": "In", "values": ["x", "y"]}, {"key": "c", "operator": "DoesNotExist"}]});
    let selector = LabelSelector::from_json(Some(&selector)).expect("a selector");
    assert_eq!(selector.to_string(), "a=1,b in (x,y),!c");
    assert_eq!(LabelSelector::from_json(None), Ok(LabelSelector::Nothing));
    assert!(LabelSelector::from_json(Some(&json!({}))).expect("all").matches(|_| None));
    assert!(LabelSelector::from_json(Some(&json!({"matchExpressions": [{"key": "b", "operator": "is"}]}))).is_err());
    assert_eq!(LabelSelector::from_map(&json!({"spec": {"selector": {}}}), "/spec/selector"), LabelSelector::Nothing);
}

#[test]
fn field_selectors_select() {
    let pod = json!({"metadata": {"name": "a,b"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
    for (text, selected) in [
        ("", true),
        ("metadata.name=a\\,b", true),
        ("spec.nodeName=n1,status.phase!=Failed", true),
        ("spec.nodeName!=n1", false),
        ("spec.nodeName==n1,", true),
        ("status.podIP=", true),
        ("spec.hostNetwork=false", true),
    ] {
        let selector = FieldSelector::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(selector.matches(&pod), selected, "{text}");
        assert_eq!(selector.check(kinds::of("v1", "Pod").expect("pods")), Ok(()));
    }
    assert_eq!(FieldSelector::parse("metadata.name=x").expect("one").wanted("metadata.name"), Some("x"));
    let unknown = FieldSelector::parse("spec.foo=1").expect("syntax is fine");
    let told = |api, kind| unknown.check(kinds::of(api, kind).expect("a kind")).expect_err("unknown field").to_string();
    assert_eq!(told("v1", "Pod"), "field label not supported: spec.foo");
    assert!(told("apps/v1", "Deployment").starts_with("\"spec.foo\" is not a known field selector"));
    assert_eq!(
        FieldSelector::parse("what").expect_err("no operator").to_string(),
        "invalid selector: 'what'; can't understand 'what'"
    );
}
