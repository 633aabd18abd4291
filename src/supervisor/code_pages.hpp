// The pages of program code that a process that stays holds in memory.
#pragma once

namespace okg::supervisor {

// Gives back those that a start or a reload needed, and waiting does not. They are the file's, and come back
// when they are needed.
void give_back_code_pages();

}  // namespace okg::supervisor
