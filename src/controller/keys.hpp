// The names that OKG and Kruise put on objects, and ours. Source: kruise-game v1.0.0 apis/v1alpha1, kruise
// v1.8 apis/apps/pub.
#pragma once

namespace okg::controller::keys {

// GameServer.spec.opsState: what the controller gives a meaning to; any other label value is legal, too.
inline constexpr char kNone[] = "None";
inline constexpr char kAllocated[] = "Allocated";
inline constexpr char kMaintaining[] = "Maintaining";
inline constexpr char kWaitToBeDeleted[] = "WaitToBeDeleted";
inline constexpr char kKill[] = "Kill";

// Labels of the pod.
inline constexpr char kOpsState[] = "game.kruise.io/gs-opsState";
inline constexpr char kState[] = "game.kruise.io/gs-state";
inline constexpr char kUpdatePriority[] = "game.kruise.io/gs-update-priority";
inline constexpr char kDeletePriority[] = "game.kruise.io/gs-delete-priority";
inline constexpr char kNetworkDisabled[] = "game.kruise.io/network-disabled";
inline constexpr char kLifecycle[] = "lifecycle.apps.kruise.io/state";
inline constexpr char kRevision[] = "controller-revision-hash";

// Annotations of the pod.
inline constexpr char kNetworkStatus[] = "game.kruise.io/network-status";
inline constexpr char kNetworkType[] = "game.kruise.io/network-type";
inline constexpr char kUpdatingContainers[] = "game.kruise.io/gs-updating-containers";  // OKG after 1.0.0
inline constexpr char kGrace[] = "apps.kruise.io/inplace-update-grace";
inline constexpr char kUpdateState[] = "apps.kruise.io/inplace-update-state";

// Of the GameServer, mirrored to the pod by the controller.
inline constexpr char kMatchId[] = "gs-sync/match-id";
inline constexpr char kUpdateHook[] = "gs-sync/update-block";
inline constexpr char kDeleteHook[] = "gs-sync/delete-block";
inline constexpr char kReload[] = "gs-sync/okg-reload";
inline constexpr char kRollback[] = "gs-sync/okg-rollback";

// What okg reports on the GameServer.
inline constexpr char kPayloadVersion[] = "okg-sdk/payload-version";  // labels
inline constexpr char kReloadState[] = "okg-sdk/reload-state";
inline constexpr char kPayloadVersionRaw[] = "okg-sdk/payload-version";  // annotations
inline constexpr char kPayloadDigest[] = "okg-sdk/payload-digest";
inline constexpr char kReloadError[] = "okg-sdk/reload-error";
inline constexpr char kStartReason[] = "okg-sdk/start-reason";

}  // namespace okg::controller::keys
