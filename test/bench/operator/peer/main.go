// A small controller on controller-runtime that makes the same Jobs for the same objects: the peer of the benchmark.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var group = schema.GroupVersion{Group: "export.tlt.dev", Version: "v1beta1"}

const ownerLabel = "export.tlt.dev/model-export"
const podOwnerIndex = "owner"

type ModelExport struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          struct {
		DeviceClasses []struct {
			Name string `json:"name"`
		} `json:"deviceClasses"`
	} `json:"spec"`
	Status Status `json:"status,omitempty"`
}

type Status struct {
	ObservedGeneration int64          `json:"observedGeneration"`
	Conditions         []v1.Condition `json:"conditions,omitempty"`
	Engines            []Engine       `json:"engines,omitempty"`
	EnginesReady       string         `json:"enginesReady,omitempty"`
}

type Engine struct {
	DeviceClass string `json:"deviceClass"`
	URI         string `json:"uri,omitempty"`
}

type ModelExportList struct {
	v1.TypeMeta `json:",inline"`
	v1.ListMeta `json:"metadata,omitempty"`
	Items       []ModelExport `json:"items"`
}

func (m *ModelExport) DeepCopyObject() runtime.Object {
	out := *m
	m.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.DeviceClasses = append(out.Spec.DeviceClasses[:0:0], m.Spec.DeviceClasses...)
	out.Status.Conditions = append([]v1.Condition(nil), m.Status.Conditions...)
	out.Status.Engines = append([]Engine(nil), m.Status.Engines...)
	return &out
}

func (l *ModelExportList) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = make([]ModelExport, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*ModelExport)
	}
	return &out
}

type reconciler struct {
	client.Client
	templates map[string]*batch.Job
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var export ModelExport
	if err := r.Get(ctx, request.NamespacedName, &export); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	next := export.DeepCopyObject().(*ModelExport)
	next.Status.ObservedGeneration = export.Generation
	exported, err := r.step(ctx, &export, "export")
	if err != nil {
		return ctrl.Result{}, err
	}
	engines := []Engine{}
	built := 0
	for _, class := range export.Spec.DeviceClasses {
		engine := Engine{DeviceClass: class.Name}
		if exported != "" {
			if engine.URI, err = r.step(ctx, &export, class.Name); err != nil {
				return ctrl.Result{}, err
			}
		}
		if engine.URI != "" {
			built++
		}
		engines = append(engines, engine)
	}
	next.Status.Engines = engines
	next.Status.EnginesReady = fmt.Sprintf("%d/%d", built, len(engines))
	ready := built == len(engines)
	for _, condition := range []v1.Condition{
		condition("Ready", ready),
		condition("Reconciling", !ready),
		condition("Exported", exported != ""),
	} {
		condition.ObservedGeneration = export.Generation
		meta.SetStatusCondition(&next.Status.Conditions, condition)
	}
	if equality.Semantic.DeepEqual(export.Status, next.Status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.Status().Update(ctx, next)
}

func condition(name string, holds bool) v1.Condition {
	if holds {
		return v1.Condition{Type: name, Status: v1.ConditionTrue, Reason: "Ready", Message: "done"}
	}
	return v1.Condition{Type: name, Status: v1.ConditionFalse, Reason: "BuildingEngines", Message: "not yet"}
}

// step makes the Job if it is missing, and returns the file of its result once its pod has left one.
func (r *reconciler) step(ctx context.Context, export *ModelExport, part string) (string, error) {
	var job batch.Job
	name := export.Name + "-" + part
	err := r.Get(ctx, client.ObjectKey{Namespace: export.Namespace, Name: name}, &job)
	if errors.IsNotFound(err) {
		return "", r.make(ctx, export, part, name)
	}
	if err != nil || job.Status.Succeeded == 0 {
		return "", err
	}
	var pods core.PodList
	if err := r.List(ctx, &pods, client.InNamespace(export.Namespace), client.MatchingFields{podOwnerIndex: string(job.UID)}); err != nil {
		return "", err
	}
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			if container.State.Terminated == nil {
				continue
			}
			var result struct {
				Etlt   struct{ File string }
				Engine struct{ File string }
			}
			if json.Unmarshal([]byte(container.State.Terminated.Message), &result) == nil {
				return result.Etlt.File + result.Engine.File, nil
			}
		}
	}
	return "", nil
}

func (r *reconciler) make(ctx context.Context, export *ModelExport, part, name string) error {
	template := r.templates["engine"]
	if part == "export" {
		template = r.templates["export"]
	}
	job := template.DeepCopy()
	job.Name, job.Namespace = name, export.Namespace
	for _, labels := range []map[string]string{job.Labels, job.Spec.Template.Labels} {
		labels[ownerLabel] = export.Name
		if part != "export" {
			labels["export.tlt.dev/device-class"] = part
		}
	}
	if err := controllerutil.SetControllerReference(export, job, r.Scheme()); err != nil {
		return err
	}
	if err := r.Create(ctx, job); err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

func main() {
	path := flag.String("templates", "", "JSON file: part to Job")
	workers := flag.Int("workers", 4, "objects reconciled side by side")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	r := &reconciler{templates: map[string]*batch.Job{}}
	text, err := os.ReadFile(*path)
	check(err)
	check(json.Unmarshal(text, &r.templates))
	scheme := runtime.NewScheme()
	check(clientgoscheme.AddToScheme(scheme))
	scheme.AddKnownTypes(group, &ModelExport{}, &ModelExportList{})
	v1.AddToGroupVersion(scheme, group)
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: "0"}})
	check(err)
	r.Client = manager.GetClient()
	check(manager.GetFieldIndexer().IndexField(context.Background(), &core.Pod{}, podOwnerIndex, func(object client.Object) []string {
		if owner := v1.GetControllerOf(object); owner != nil {
			return []string{string(owner.UID)}
		}
		return nil
	}))
	toOwner := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []ctrl.Request {
		name := object.GetLabels()[ownerLabel]
		if name == "" {
			return nil
		}
		return []ctrl.Request{{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: name}}}
	})
	check(ctrl.NewControllerManagedBy(manager).For(&ModelExport{}).Owns(&batch.Job{}).Watches(&core.Pod{}, toOwner).
		WithOptions(controller.Options{MaxConcurrentReconciles: *workers}).Complete(r))
	check(manager.Start(ctrl.SetupSignalHandler()))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
