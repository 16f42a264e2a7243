//! What changes objects.

use insta::assert_snapshot;

use super::world::FakeHost;
use super::{deployment, pod, replica_set, run_all, service, transcript};

#[test]
fn apply_compares_three_ways() {
    let mut host = FakeHost::new(vec![], "2026-01-01T12:00:00Z");
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {a: b}}\n";
    host.files.insert("svc.yaml".into(), manifest.into());
    host.files.insert("new.yaml".into(), manifest.replace("80", "81").replace("a: b", "c: d"));
    host.files.insert("bad.yaml".into(), "a: b\n c: d\n".into());
    host.files.insert("odd.yaml".into(), "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: x}\n".into());
    assert_snapshot!(run_all(&mut host, &[
        "kubectl apply -f svc.yaml", "kubectl apply -f svc.yaml", "kubectl apply -f new.yaml --dry-run=client",
        "kubectl apply -f new.yaml", "kubectl get svc web -o jsonpath='{.spec.selector}'", "kubectl create -f svc.yaml",
        "kubectl replace -f svc.yaml", "kubectl get svc web -o jsonpath='{.spec.ports[*].port}'", "kubectl apply -f nope.yaml",
        "kubectl apply -f bad.yaml", "kubectl apply -f odd.yaml", "kubectl delete -f svc.yaml", "kubectl delete -f svc.yaml",
        "kubectl delete -f svc.yaml --ignore-not-found", "kubectl apply -f svc.yaml -n other --server-side",
    ]), @r#"
    $ kubectl apply -f svc.yaml
    service/web created
    $ kubectl apply -f svc.yaml
    service/web unchanged
    $ kubectl apply -f new.yaml --dry-run=client
    service/web configured (dry run)
    $ kubectl apply -f new.yaml
    service/web configured
    $ kubectl get svc web -o jsonpath='{.spec.selector}'
    {"c":"d"}$ kubectl create -f svc.yaml
    ! Error from server (AlreadyExists): error when creating "svc.yaml": services "web" already exists
    exit 1
    $ kubectl replace -f svc.yaml
    service/web replaced
    $ kubectl get svc web -o jsonpath='{.spec.ports[*].port}'
    80$ kubectl apply -f nope.yaml
    ! error: the path "nope.yaml" does not exist
    exit 1
    $ kubectl apply -f bad.yaml
    ! error: error parsing bad.yaml: error converting YAML to JSON: yaml: line 2: this line is indented deeper than the line above it, which already has its value
    exit 1
    $ kubectl apply -f odd.yaml
    ! error: resource mapping not found for name: "x" namespace: "" from "odd.yaml": no matches for kind "Ingress" in version "extensions/v1beta1"
    ! ensure CRDs are installed first
    exit 1
    $ kubectl delete -f svc.yaml
    service "web" deleted
    $ kubectl delete -f svc.yaml
    ! Error from server (NotFound): error when deleting "svc.yaml": services "web" not found
    exit 1
    $ kubectl delete -f svc.yaml --ignore-not-found
    $ kubectl apply -f svc.yaml -n other --server-side
    ! Error from server (NotFound): services "web" not found
    exit 1
    "#);
}

#[test]
fn an_object_not_made_by_apply_is_adopted_with_a_warning() {
    let mut host = FakeHost::new(vec![service("web")], "2026-01-01T12:00:00Z");
    host.files.insert("svc.yaml".into(), "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n".into());
    assert_snapshot!(run_all(&mut host, &["kubectl apply -f svc.yaml", "kubectl apply -f svc.yaml"]), @r#"
    $ kubectl apply -f svc.yaml
    service/web configured
    ! Warning: resource services/web is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.
    $ kubectl apply -f svc.yaml
    service/web unchanged
    "#);
}

#[test]
fn small_changes() {
    assert_snapshot!(transcript(vec![pod("web-1"), deployment("web"), service("web")], &[
        "kubectl label pod web-1 x=y", "kubectl label pod web-1 x=z", "kubectl label pod web-1 x=y", "kubectl label pod web-1 x-",
        "kubectl annotate svc web note=hi", "kubectl annotate svc web note-", "kubectl scale deploy web --replicas=3 --current-replicas=9",
        "kubectl scale deploy/web", "kubectl scale deploy nope --replicas=1",
        "kubectl patch svc web -p '{\"spec\":{\"type\":\"NodePort\"}}'", "kubectl patch svc web -p 'spec: {type: NodePort}'",
        "kubectl set image deploy/web nginx=nginx:1.26", "kubectl set image deploy/web nope=nginx:1.26",
        "kubectl set env deploy/web A=b", "kubectl set env deploy/web --list", "kubectl set selector svc web a=b",
        "kubectl get svc web -o jsonpath='{.spec.selector}'", "kubectl expose pod web-1 --name=two --port=80 --target-port=8080",
        "kubectl expose deploy web", "kubectl expose deploy web --port=80 --name=three --type=NodePort --dry-run=client -o yaml",
        "kubectl delete pod web-1 --now", "kubectl delete pods --all", "kubectl delete deploy,svc -l app=none",
    ]), @r#"
    $ kubectl label pod web-1 x=y
    pod/web-1 labeled
    $ kubectl label pod web-1 x=z
    ! error: 'x' already has a value (y), and --overwrite is false
    exit 1
    $ kubectl label pod web-1 x=y
    pod/web-1 not labeled
    $ kubectl label pod web-1 x-
    pod/web-1 unlabeled
    $ kubectl annotate svc web note=hi
    service/web annotated
    $ kubectl annotate svc web note-
    service/web annotated
    $ kubectl scale deploy web --replicas=3 --current-replicas=9
    ! error: Expected replicas to be 9, was 2
    exit 1
    $ kubectl scale deploy/web
    ! error: required flag(s) "replicas" not set
    exit 1
    $ kubectl scale deploy nope --replicas=1
    ! error: no objects passed to scale deployments.apps "nope" not found
    exit 1
    $ kubectl patch svc web -p '{"spec":{"type":"NodePort"}}'
    service/web patched
    $ kubectl patch svc web -p 'spec: {type: NodePort}'
    service/web patched (no change)
    $ kubectl set image deploy/web nginx=nginx:1.26
    deployment.apps/web image updated
    $ kubectl set image deploy/web nope=nginx:1.26
    ! error: unable to find container named "nope"
    exit 1
    $ kubectl set env deploy/web A=b
    deployment.apps/web env updated
    $ kubectl set env deploy/web --list
    # deployments web, container nginx
    A=b
    $ kubectl set selector svc web a=b
    service/web selector updated
    $ kubectl get svc web -o jsonpath='{.spec.selector}'
    {"a":"b"}$ kubectl expose pod web-1 --name=two --port=80 --target-port=8080
    service/two exposed
    $ kubectl expose deploy web
    ! error: couldn't find port via --port flag or introspection
    ! See 'kubectl expose -h' for help and examples
    exit 1
    $ kubectl expose deploy web --port=80 --name=three --type=NodePort --dry-run=client -o yaml
    apiVersion: v1
    kind: Service
    metadata:
      creationTimestamp: null
      labels:
        app: web
      name: three
    spec:
      ports:
      - port: 80
        protocol: TCP
        targetPort: 80
      selector:
        app: web
      type: NodePort
    status:
      loadBalancer: {}
    $ kubectl delete pod web-1 --now
    pod "web-1" deleted
    $ kubectl delete pods --all
    No resources found
    $ kubectl delete deploy,svc -l app=none
    No resources found
    "#);
}

#[test]
fn generators_make_what_kubectl_makes() {
    assert_snapshot!(transcript(vec![], &[
        "kubectl create deployment web --image=nginx:1 --port=80 -r 2 --dry-run=client -o yaml",
        "kubectl create service nodeport x --tcp=80:http --node-port=30001 --dry-run=client -o yaml",
        "kubectl create service clusterip x --tcp=99999", "kubectl create service clusterip x", "kubectl create deployment",
        "kubectl create deployment web", "kubectl create namespace shop", "kubectl create namespace shop",
        "kubectl create configmap c --from-literal=a=b --from-literal=c", "kubectl create secret generic s --from-literal=a=b",
        "kubectl create deployment web --image=nginx", "kubectl create deployment web --image=nginx",
        "kubectl run p --image=busybox --env=A=b --dry-run=client -o yaml -- sleep 3", "kubectl run p --image=busybox",
        "kubectl run p --image=busybox", "kubectl run q --image=busybox -t", "kubectl create foo", "kubectl create service",
    ]), @r#"
    $ kubectl create deployment web --image=nginx:1 --port=80 -r 2 --dry-run=client -o yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      creationTimestamp: null
      labels:
        app: web
      name: web
    spec:
      replicas: 2
      selector:
        matchLabels:
          app: web
      strategy: {}
      template:
        metadata:
          creationTimestamp: null
          labels:
            app: web
        spec:
          containers:
          - image: nginx:1
            name: nginx
            ports:
            - containerPort: 80
            resources: {}
    status: {}
    $ kubectl create service nodeport x --tcp=80:http --node-port=30001 --dry-run=client -o yaml
    apiVersion: v1
    kind: Service
    metadata:
      creationTimestamp: null
      labels:
        app: x
      name: x
    spec:
      ports:
      - name: 80-http
        nodePort: 30001
        port: 80
        protocol: TCP
        targetPort: http
      selector:
        app: x
      type: NodePort
    status:
      loadBalancer: {}
    $ kubectl create service clusterip x --tcp=99999
    ! error: strconv.ParseUint: parsing "99999": value out of range
    exit 1
    $ kubectl create service clusterip x
    ! error: at least one tcp port specifier must be provided
    exit 1
    $ kubectl create deployment
    ! error: required flag(s) "image" not set
    exit 1
    $ kubectl create deployment web
    ! error: required flag(s) "image" not set
    exit 1
    $ kubectl create namespace shop
    namespace/shop created
    $ kubectl create namespace shop
    ! Error from server (AlreadyExists): namespaces "shop" already exists
    exit 1
    $ kubectl create configmap c --from-literal=a=b --from-literal=c
    ! error: invalid literal source c, expected key=value
    exit 1
    $ kubectl create secret generic s --from-literal=a=b
    secret/s created
    $ kubectl create deployment web --image=nginx
    deployment.apps/web created
    $ kubectl create deployment web --image=nginx
    ! error: failed to create deployment: deployments.apps "web" already exists
    exit 1
    $ kubectl run p --image=busybox --env=A=b --dry-run=client -o yaml -- sleep 3
    apiVersion: v1
    kind: Pod
    metadata:
      creationTimestamp: null
      labels:
        run: p
      name: p
    spec:
      containers:
      - args:
        - sleep
        - "3"
        env:
        - name: A
          value: b
        image: busybox
        name: p
        resources: {}
      dnsPolicy: ClusterFirst
      restartPolicy: Always
    status: {}
    $ kubectl run p --image=busybox
    pod/p created
    $ kubectl run p --image=busybox
    ! Error from server (AlreadyExists): pods "p" already exists
    exit 1
    $ kubectl run q --image=busybox -t
    ! error: -i/--stdin is required for containers with -t/--tty=true
    ! See 'kubectl run -h' for help and examples
    exit 1
    $ kubectl create foo
    ! error: Unexpected args: [foo]
    ! See 'kubectl create -h' for help and examples
    exit 1
    $ kubectl create service
    ! Available Commands:
    !   clusterip
    !   externalname
    !   loadbalancer
    !   nodeport
    ! 
    ! Usage:
    !   kubectl create service SUBCOMMAND [options]
    exit 1
    "#);
}

#[test]
fn rollouts() {
    let objects = vec![deployment("web"), replica_set("web", 1, "nginx:1.24"), replica_set("web", 2, "nginx:1.25")];
    assert_snapshot!(transcript(objects, &[
        "kubectl rollout status deploy/web", "kubectl rollout history deploy/web", "kubectl rollout history deploy/web --revision=1",
        "kubectl rollout undo deploy/web --to-revision=9", "kubectl rollout undo deploy/web --to-revision=2",
        "kubectl rollout undo deploy/web", "kubectl get deploy web -o jsonpath='{.spec.template.spec.containers[0].image}'",
        "kubectl rollout pause deploy/web", "kubectl rollout pause deploy/web", "kubectl rollout restart deploy/web",
        "kubectl rollout resume deploy/web", "kubectl rollout restart deploy/web",
    ]), @r#"
    $ kubectl rollout status deploy/web
    deployment "web" successfully rolled out
    $ kubectl rollout history deploy/web
    deployment.apps/web 
    REVISION  CHANGE-CAUSE
    1         <none>
    2         <none>

    $ kubectl rollout history deploy/web --revision=1
    deployment.apps/web with revision #1
    Pod Template:
      Labels:	app=web
    	pod-template-hash=1
      Containers:
       nginx:
        Image:	nginx:1.24
        Port:	<none>
        Host Port:	<none>
        Environment:	<none>
        Mounts:	<none>
      Volumes:	<none>
      Node-Selectors:	<none>
      Tolerations:	<none>

    $ kubectl rollout undo deploy/web --to-revision=9
    ! error: unable to find specified revision 9 in history
    exit 1
    $ kubectl rollout undo deploy/web --to-revision=2
    deployment.apps/web skipped rollback (current template already matches revision 2)
    $ kubectl rollout undo deploy/web
    deployment.apps/web rolled back
    $ kubectl get deploy web -o jsonpath='{.spec.template.spec.containers[0].image}'
    nginx:1.24$ kubectl rollout pause deploy/web
    deployment.apps/web paused
    $ kubectl rollout pause deploy/web
    ! error: deployments.apps "web" is already paused
    exit 1
    $ kubectl rollout restart deploy/web
    ! error: deployments.apps "web" can't restart paused deployment (run rollout resume first)
    exit 1
    $ kubectl rollout resume deploy/web
    deployment.apps/web resumed
    $ kubectl rollout restart deploy/web
    deployment.apps/web restarted
    "#);
}

#[test]
fn edit_needs_an_editor_without_a_terminal() {
    let mut host = FakeHost::new(vec![service("web")], "2026-01-01T12:00:00Z");
    let without = run_all(&mut host, &["kubectl edit svc web"]);
    host.env.insert("KUBE_EDITOR".into(), "swap 10.96.0.9 10.96.0.8".into());
    let with = run_all(&mut host, &["kubectl edit svc web", "kubectl edit svc web", "kubectl edit svc nope"]);
    assert_snapshot!(without + &with, @r#"
    $ kubectl edit svc web
    ! error: unable to launch the editor "vi"
    exit 1
    $ kubectl edit svc web
    service/web edited
    $ kubectl edit svc web
    ! Edit cancelled, no changes made.
    $ kubectl edit svc nope
    ! Error from server (NotFound): services "nope" not found
    exit 1
    "#);
}

#[test]
fn nodes_are_cordoned_drained_and_tainted() {
    let node = serde_json::json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "spec": {}});
    assert_snapshot!(transcript(vec![node, pod("web-1")], &[
        "kubectl cordon node-1", "kubectl cordon node-1", "kubectl uncordon node-1", "kubectl taint nodes node-1 a=b:NoSchedule",
        "kubectl taint nodes node-1 a=c:NoSchedule", "kubectl taint nodes node-1 a:NoSchedule-", "kubectl taint nodes node-1 a-",
        "kubectl drain node-1", "kubectl cordon",
    ]), @r#"
    $ kubectl cordon node-1
    node/node-1 cordoned
    $ kubectl cordon node-1
    node/node-1 already cordoned
    $ kubectl uncordon node-1
    node/node-1 uncordoned
    $ kubectl taint nodes node-1 a=b:NoSchedule
    node/node-1 tainted
    $ kubectl taint nodes node-1 a=c:NoSchedule
    ! error: node node-1 already has a taint(s) with same effect(s) and --overwrite is false
    exit 1
    $ kubectl taint nodes node-1 a:NoSchedule-
    node/node-1 untainted
    $ kubectl taint nodes node-1 a-
    ! error: taint "a" not found
    exit 1
    $ kubectl drain node-1
    node/node-1 cordoned
    ! error: unable to drain node "node-1" due to error: cannot delete cannot delete Pods that declare no controller (use --force to override): default/web-1, continuing command...
    ! There are pending nodes to be drained:
    !  node-1
    ! cannot delete cannot delete Pods that declare no controller (use --force to override): default/web-1
    exit 1
    $ kubectl cordon
    ! error: USAGE: cordon NODE [flags]
    ! See 'kubectl cordon -h' for help and examples
    exit 1
    "#);
}

/// The same verbs with the real API server behind them: it decodes strictly, defaults, allocates and validates.
#[test]
fn the_server_takes_what_the_client_makes() {
    let space = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
    let mut host = FakeHost::served(&[space], "2026-01-01T12:00:00Z");
    host.files.insert("web.yaml".into(), "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {portz: []}\n".into());
    host.files
        .insert("svc.yaml".into(), "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {ports: [{port: 80}]}\n".into());
    assert_snapshot!(run_all(&mut host, &[
        "kubectl create deployment web --image=nginx --replicas=2", "kubectl expose deploy web --port=80", "kubectl get svc web -o wide",
        "kubectl run p --image=busybox --env=A=b -- sleep 3", "kubectl create cm c --from-literal=a=b", "kubectl create sa s",
        "kubectl create secret generic s --from-literal=a=b", "kubectl create job j --image=busybox -- date",
        "kubectl create service nodeport np --tcp=80:8080", "kubectl create service clusterip h --clusterip=None",
        "kubectl create service externalname e --external-name=a.b", "kubectl apply -f web.yaml", "kubectl apply -f svc.yaml",
        "kubectl apply -f svc.yaml", "kubectl scale deploy web --replicas=5", "kubectl get deploy", "kubectl label svc web a=b",
        "kubectl set env deploy/web A=b", "kubectl set selector svc web c=d", "kubectl set image deploy/web nginx=nginx:2",
        "kubectl rollout restart deploy/web", "kubectl annotate deploy web k=v", "kubectl patch svc web -p '{\"spec\":{\"type\":\"X\"}}'",
        "kubectl create deployment x --image=nginx -n nope", "kubectl delete svc web", "kubectl delete svc web",
        "kubectl delete deploy web --wait=false", "kubectl get all",
    ]), @r#"
    $ kubectl create deployment web --image=nginx --replicas=2
    deployment.apps/web created
    $ kubectl expose deploy web --port=80
    service/web exposed
    $ kubectl get svc web -o wide
    NAME   TYPE        CLUSTER-IP       EXTERNAL-IP   PORT(S)   AGE   SELECTOR
    web    ClusterIP   10.111.232.153   <none>        80/TCP    0s    app=web
    $ kubectl run p --image=busybox --env=A=b -- sleep 3
    pod/p created
    $ kubectl create cm c --from-literal=a=b
    configmap/c created
    $ kubectl create sa s
    serviceaccount/s created
    $ kubectl create secret generic s --from-literal=a=b
    secret/s created
    $ kubectl create job j --image=busybox -- date
    job.batch/j created
    $ kubectl create service nodeport np --tcp=80:8080
    service/np created
    $ kubectl create service clusterip h --clusterip=None
    service/h created
    $ kubectl create service externalname e --external-name=a.b
    service/e created
    $ kubectl apply -f web.yaml
    ! Error from server (BadRequest): error when creating "web.yaml": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.portz"
    exit 1
    $ kubectl apply -f svc.yaml
    service/api created
    $ kubectl apply -f svc.yaml
    service/api unchanged
    $ kubectl scale deploy web --replicas=5
    deployment.apps/web scaled
    $ kubectl get deploy
    NAME   READY   UP-TO-DATE   AVAILABLE   AGE
    web    0/5     0            0           0s
    $ kubectl label svc web a=b
    service/web labeled
    $ kubectl set env deploy/web A=b
    deployment.apps/web env updated
    $ kubectl set selector svc web c=d
    service/web selector updated
    $ kubectl set image deploy/web nginx=nginx:2
    deployment.apps/web image updated
    $ kubectl rollout restart deploy/web
    deployment.apps/web restarted
    $ kubectl annotate deploy web k=v
    deployment.apps/web annotated
    $ kubectl patch svc web -p '{"spec":{"type":"X"}}'
    ! The Service "web" is invalid: spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"
    exit 1
    $ kubectl create deployment x --image=nginx -n nope
    ! error: failed to create deployment: namespaces "nope" not found
    exit 1
    $ kubectl delete svc web
    service "web" deleted
    $ kubectl delete svc web
    ! Error from server (NotFound): services "web" not found
    exit 1
    $ kubectl delete deploy web --wait=false
    deployment.apps "web" deleted
    $ kubectl get all
    NAME    READY   STATUS    RESTARTS   AGE
    pod/p   0/1     Pending   0          0s

    NAME          TYPE           CLUSTER-IP      EXTERNAL-IP   PORT(S)        AGE
    service/api   ClusterIP      10.99.173.16    <none>        80/TCP         0s
    service/e     ExternalName   <none>          a.b           <none>         0s
    service/h     ClusterIP      None            <none>        <none>         0s
    service/np    NodePort       10.99.118.214   <none>        80:30874/TCP   0s

    NAME          STATUS    COMPLETIONS   DURATION   AGE
    job.batch/j   Running   0/1                      0s
    "#);
}
