// Reloaders that break the rules, each in one way: proof that the model's checks can fail.
#pragma once

#include <string>
#include <vector>

#include "model/subject.hpp"

namespace okg::model {

struct Liar {
  std::string name;
  std::string broken;  // a part of the rule that catches it
  MakeSubject make;
};

std::vector<Liar> liars();

}  // namespace okg::model
