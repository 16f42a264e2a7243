//! get, describe, logs, events, version, config: what only reads.

use insta::assert_snapshot;
use serde_json::json;

use super::{deployment, pod, service, transcript};

#[test]
fn several_kinds_have_a_table_each_and_all_is_a_category() {
    let objects = vec![pod("web-1"), service("web"), deployment("web")];
    assert_snapshot!(transcript(objects, &[
        "kubectl get all", "kubectl get svc/web deploy/web", "kubectl get pods -L app --no-headers", "kubectl get ep,svc",
        "kubectl get pod web-1 nope", "kubectl get pods -o name", "kubectl get pod nope --ignore-not-found",
        "kubectl get nodes", "kubectl get pods -l app=x", "kubectl get pod web-1 -l app=web", "kubectl get pod/web-1 web-2",
    ]), @r#"
    $ kubectl get all
    NAME        READY   STATUS    RESTARTS   AGE
    pod/web-1   1/1     Running   0          5m

    NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
    service/web   ClusterIP   10.96.0.9    <none>        80/TCP    5m

    NAME                  READY   UP-TO-DATE   AVAILABLE   AGE
    deployment.apps/web   2/2     2            2           10m
    $ kubectl get svc/web deploy/web
    NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
    service/web   ClusterIP   10.96.0.9    <none>        80/TCP    5m

    NAME                  READY   UP-TO-DATE   AVAILABLE   AGE
    deployment.apps/web   2/2     2            2           10m
    $ kubectl get pods -L app --no-headers
    web-1   1/1   Running   0     5m    web
    $ kubectl get ep,svc
    NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
    service/web   ClusterIP   10.96.0.9    <none>        80/TCP    5m
    $ kubectl get pod web-1 nope
    NAME    READY   STATUS    RESTARTS   AGE
    web-1   1/1     Running   0          5m
    ! Error from server (NotFound): pods "nope" not found
    exit 1
    $ kubectl get pods -o name
    pod/web-1
    $ kubectl get pod nope --ignore-not-found
    $ kubectl get nodes
    ! No resources found
    $ kubectl get pods -l app=x
    ! No resources found in default namespace.
    $ kubectl get pod web-1 -l app=web
    ! error: name cannot be provided when a selector is specified
    exit 1
    $ kubectl get pod/web-1 web-2
    ! error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'
    exit 1
    "#);
}

#[test]
fn output_forms() {
    assert_snapshot!(transcript(vec![service("web")], &[
        "kubectl get svc -o jsonpath='{.items[*].metadata.name}'", "kubectl get svc web -o jsonpath='{.spec.ports[0].port}'",
        "kubectl get svc -o custom-columns=NAME:.metadata.name,SEL:.spec.selector", "kubectl get svc -o foo",
        "kubectl get svc web -o go-template='{{(index .spec.ports 0).port}}'", "kubectl get cm -o name", "kubectl get cm -o yaml",
    ]), @r#"
    $ kubectl get svc -o jsonpath='{.items[*].metadata.name}'
    web$ kubectl get svc web -o jsonpath='{.spec.ports[0].port}'
    80$ kubectl get svc -o custom-columns=NAME:.metadata.name,SEL:.spec.selector
    NAME   SEL
    web    map[app:web]
    $ kubectl get svc -o foo
    ! error: unable to match a printer suitable for the output format "foo", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml
    exit 1
    $ kubectl get svc web -o go-template='{{(index .spec.ports 0).port}}'
    80$ kubectl get cm -o name
    $ kubectl get cm -o yaml
    apiVersion: v1
    items: []
    kind: List
    metadata:
      resourceVersion: ""
    "#);
}

#[test]
fn mistakes() {
    assert_snapshot!(transcript(vec![], &[
        "kubectl get", "kubectl gte pods", "kubectl get --foo", "kubectl describe pod nope", "kubectl rollout", "kubectl exec",
        "kubectl exec p date", "kubectl delete", "kubectl delete pod", "kubectl get foos", "kubectl logs nope", "kubectl top pods",
    ]), @r#"
    $ kubectl get
    ! You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.
    ! 
    ! error: Required resource not specified.
    ! Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).
    ! See 'kubectl get -h' for help and examples
    exit 1
    $ kubectl gte pods
    ! error: unknown command "gte" for "kubectl"
    ! 
    ! Did you mean this?
    ! 	get
    exit 1
    $ kubectl get --foo
    ! error: unknown flag: --foo
    ! See 'kubectl get --help' for usage.
    exit 1
    $ kubectl describe pod nope
    ! Error from server (NotFound): pods "nope" not found
    exit 1
    $ kubectl rollout
    ! Available Commands:
    !   history
    !   pause
    !   restart
    !   resume
    !   status
    !   undo
    ! 
    ! Usage:
    !   kubectl rollout SUBCOMMAND [options]
    exit 1
    $ kubectl exec
    ! error: pod, type/name or --filename must be specified
    exit 1
    $ kubectl exec p date
    ! error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead
    ! See 'kubectl exec -h' for help and examples
    exit 1
    $ kubectl delete
    ! error: You must provide one or more resources by argument or filename.
    ! Example resource specifications include:
    !    '-f rsrc.yaml'
    !    '--filename=rsrc.json'
    !    '<resource> <name>'
    !    '<resource>'
    exit 1
    $ kubectl delete pod
    ! error: resource(s) were provided, but no name was specified
    exit 1
    $ kubectl get foos
    ! error: the server doesn't have a resource type "foos"
    exit 1
    $ kubectl logs nope
    ! error: error from server (NotFound): pods "nope" not found in namespace "default"
    exit 1
    $ kubectl top pods
    ! error: Metrics API not available
    exit 1
    "#);
}

#[test]
fn logs_and_exec() {
    let mut two = pod("two");
    two["spec"]["containers"] = json!([{"name": "a"}, {"name": "b"}]);
    assert_snapshot!(transcript(vec![pod("web-1"), pod("web-2"), two, deployment("web"), service("web")], &[
        "kubectl logs web-1 --tail=1", "kubectl logs deploy/web --tail=1", "kubectl logs web-1 -c zz", "kubectl logs two --tail=1",
        "kubectl logs web-1 -p", "kubectl logs -l app=web --tail=1 --prefix", "kubectl exec web-1 -- date -u",
        "kubectl exec web-1 -- false", "kubectl exec svc/web -- hostname", "kubectl exec two -c zz -- ls",
        "kubectl logs web-1 --timestamps --tail=1",
    ]), @r#"
    $ kubectl logs web-1 --tail=1
    web-1 line 3
    $ kubectl logs deploy/web --tail=1
    two line 3
    ! Found 3 pods, using pod/two
    ! Defaulted container "a" out of: a, b
    $ kubectl logs web-1 -c zz
    ! error: container zz is not valid for pod web-1
    exit 1
    $ kubectl logs two --tail=1
    two line 3
    ! Defaulted container "a" out of: a, b
    $ kubectl logs web-1 -p
    ! Error from server (BadRequest): previous terminated container of web-1 not found
    exit 1
    $ kubectl logs -l app=web --tail=1 --prefix
    [pod/two/a] two line 3
    [pod/web-1/c] web-1 line 3
    [pod/web-2/c] web-2 line 3
    ! Defaulted container "a" out of: a, b
    $ kubectl exec web-1 -- date -u
    Pod { namespace: "default", pod: "web-1", container: "c" } runs ["date", "-u"]
    $ kubectl exec web-1 -- false
    ! command terminated with exit code 3
    exit 3
    $ kubectl exec svc/web -- hostname
    Pod { namespace: "default", pod: "two", container: "a" } runs ["hostname"]
    ! Defaulted container "a" out of: a, b
    $ kubectl exec two -c zz -- ls
    ! Error from server (BadRequest): container zz is not valid for pod two
    exit 1
    $ kubectl logs web-1 --timestamps --tail=1
    2026-01-01T12:00:00.000000000Z web-1 line 3
    "#);
}

#[test]
fn settings() {
    assert_snapshot!(transcript(vec![], &[
        "kubectl config current-context", "kubectl config set-context --current --namespace=shop", "kubectl config get-contexts",
        "kubectl get pods", "kubectl get pods -n default", "kubectl version", "kubectl auth can-i create pods",
        "kubectl cluster-info",
    ]), @r#"
    $ kubectl config current-context
    kubernetes-admin@kubernetes
    $ kubectl config set-context --current --namespace=shop
    Context "kubernetes-admin@kubernetes" modified.
    $ kubectl config get-contexts
    CURRENT   NAME                          CLUSTER      AUTHINFO           NAMESPACE
    *         kubernetes-admin@kubernetes   kubernetes   kubernetes-admin   shop
    $ kubectl get pods
    ! No resources found in shop namespace.
    $ kubectl get pods -n default
    ! No resources found in default namespace.
    $ kubectl version
    Client Version: v1.32.4
    Kustomize Version: v5.5.0
    Server Version: v1.32.4
    $ kubectl auth can-i create pods
    yes
    $ kubectl cluster-info
    Kubernetes control plane is running at https://192.168.0.2:6443

    To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.
    "#);
}
