// What a process that stays holds in memory.
#pragma once

namespace okg::supervisor {

// Gives back the pages of program code that were needed to start, and hardly will be again: two thirds of
// what an idle `okg run` would hold. They are the file's, and come back when they are needed.
void give_back_code_pages();

}  // namespace okg::supervisor
