// okg_hot_*: journals.
#include "hotabi/handles.hpp"

namespace {

using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::handle_of;
using okg::abi::is_given;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::abi::view;
using okg::base::Code;

}  // namespace

extern "C" {

okg_code okg_hot_open_journal(okg_hot* hot, const char* name, const okg_hot_journal_options* options,
                              okg_hot_journal** journal, okg_error* error) {
  if (journal != nullptr) *journal = nullptr;
  if (hot == nullptr || name == nullptr || journal == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_open_journal: hot, name and journal are required");
  return guarded(error, [&]() -> okg_code {
    okg_hot_journal_options given = OKG_HOT_JOURNAL_OPTIONS_INIT;
    if (options != nullptr && !read_options(options, &given))
      return tell(error, Code::invalid_argument,
                  "okg_hot_open_journal: options.size is not that of a struct this library knows");
    okg::hot::JournalOptions wanted;
    if (given.bytes != 0) wanted.bytes = given.bytes;
    wanted.schema_version = given.version == 0 ? 1 : given.version;
    wanted.fingerprint = given.fingerprint;
    const std::lock_guard lock(hot->mutex);
    const auto entry = hot->store->journal(name, wanted);
    if (!entry) return tell(error, entry.error());
    *journal = handle_of(hot, hot->journals, *entry);
    (*journal)->journal = &hot->store->engine().journal_at(*entry);
    return tell_ok(error);
  });
}

okg_code okg_hot_journal_append(okg_hot_journal* journal, const void* message, size_t bytes,
                                uint64_t* sequence, okg_error* error) {
  if (journal == nullptr || !is_given(message, bytes))
    return tell(error, Code::invalid_argument, "okg_hot_journal_append: journal and message are required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = journal->engine->check_writable(); !may) return finish(error, may);
    const auto appended = journal->journal->append(view(message, bytes));
    if (!appended) return tell(error, appended.error());
    if (sequence != nullptr) *sequence = *appended;
    return tell_ok(error);
  });
}

okg_code okg_hot_journal_peek(const okg_hot_journal* journal, uint64_t after, void* buffer, size_t capacity,
                              size_t* length, uint64_t* sequence, okg_error* error) {
  if (journal == nullptr || !is_given(buffer, capacity))
    return tell(error, Code::invalid_argument, "okg_hot_journal_peek: journal and buffer are required");
  return guarded(error, [&]() -> okg_code {
    if (!journal->engine->is_here()) return finish(error, journal->engine->check_writable());
    okg::hot::Journal::Message message;
    const auto peeked = journal->journal->peek(after, buffer, capacity, &message);
    if (length != nullptr) *length = message.bytes;
    if (sequence != nullptr) *sequence = message.sequence;
    return finish(error, peeked);
  });
}

okg_code okg_hot_journal_ack(okg_hot_journal* journal, uint64_t sequence, okg_error* error) {
  if (journal == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_journal_ack: journal is required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = journal->engine->check_writable(); !may) return finish(error, may);
    return finish(error, journal->journal->acknowledge(sequence));
  });
}

okg_code okg_hot_journal_lag(const okg_hot_journal* journal, uint64_t* bytes, uint64_t* capacity) {
  if (journal == nullptr) return OKG_INVALID_ARGUMENT;
  if (!journal->engine->is_here()) return OKG_CLOSED;
  if (bytes != nullptr) *bytes = journal->journal->lag();
  if (capacity != nullptr) *capacity = journal->journal->capacity();
  return OKG_OK;
}

}  // extern "C"
