// okg for C++20: thin, inline wrappers over okg.h. Nothing here needs exceptions or RTTI; if they are on,
// what a handler throws becomes its failure. The conventions of okg.h hold. SPDX-License-Identifier:
// Apache-2.0
#pragma once

#include "okg/controller.hpp"
#include "okg/game_server.hpp"
#include "okg/hot_state.hpp"
#include "okg/reload.hpp"
#include "okg/result.hpp"
