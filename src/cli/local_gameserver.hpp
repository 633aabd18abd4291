// <run>/gameserver.json, as `okg local` reads and writes it: the GameServer of a laptop, whose OpenKruiseGame
// it plays.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "cli/command.hpp"
#include "cli/faults.hpp"
#include "controller/object.hpp"

namespace okg::cli {

class LocalGameServer {
 public:
  using Change = std::function<base::Status(base::OrderedJson&)>;

  // `name`: of a GameServer that is made anew. The run directory is made if it is the off-cluster default.
  static base::Result<std::unique_ptr<LocalGameServer>> open(const Program& program, const std::string& run,
                                                             const std::string& name, Faults faults);

  // As it is now; whoever is writing it is waited for, a second. not_found.
  base::Result<controller::ObjectPtr> read() const;
  // Until it has arrived, also with faults in between; an error of `change` itself ends it. Without a file
  // there is a fresh GameServer then. Any thread.
  base::Status edit(const Change& change, std::stop_token stop);
  // The same without faults, and without making a file: not_found.
  base::Status edit_surely(const Change& change);
  // Reads a value until `wanted` holds of it: true; false when the time is up or a stop was requested.
  bool wait(const std::function<bool(const controller::Object&)>& wanted, std::chrono::milliseconds at_most,
            const std::stop_token& stop) const;
  // What is there now is written once more, through the faults: who watches the file sees them without a
  // change.
  void rattle();
  void remove() const;

  int directory() const { return directory_.get(); }
  const std::string& run() const { return run_; }
  const std::string& name() const { return name_; }
  Faults& faults() { return faults_; }

 private:
  LocalGameServer(base::Os& os, Output& output, std::string run, std::string name, base::UniqueFd directory,
                  Faults faults)
      : os_(os),
        output_(output),
        run_(std::move(run)),
        name_(std::move(name)),
        directory_(std::move(directory)),
        faults_(std::move(faults)) {}
  base::Status write(const Change& change, bool garbled);

  base::Os& os_;
  Output& output_;
  std::string run_, name_;
  base::UniqueFd directory_;
  Faults faults_;
};

// OKG_NAME, or the one in the path of an off-cluster default directory, or "server".
std::string gameserver_name(const Program& program, const std::string& run);

// What OKG's and Kruise's controllers write, each as one change.
base::OrderedJson lifecycle_patch(const std::string& lifecycle, const std::string& state);

}  // namespace okg::cli
