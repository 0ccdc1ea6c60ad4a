#include "cportaudio.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#define LIBRARY "libportaudio.so.2"

// The calls of version 19's interface that are used, by their types.
static struct {
    int (*initialize)(void);
    const char *(*error_text)(int);
    int (*open)(void **, int inputs, int outputs, unsigned long format, double rate, unsigned long samples, void *, void *);
    int (*start)(void *);
    int (*read)(void *, void *, unsigned long);
    int (*write)(void *, const void *, unsigned long);
    int (*close)(void *);
} pa;
static const char *problem = LIBRARY " is not installed (package libportaudio2)";
static pthread_once_t once = PTHREAD_ONCE_INIT;

enum { pa_device_unavailable = -9985, pa_int16 = 8, pa_input_overflowed = -9981, pa_output_underflowed = -9980 };

// The libraries below write their complaints to standard error, which is the screen, most of them while it is opened.
static int silence(void) {
    int saved = dup(2), nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, 2);
        close(nothing);
    }
    return saved;
}

static void end_silence(int saved) {
    if (saved < 0) return;
    dup2(saved, 2);
    close(saved);
}

static void say_nothing(const char *file, int line, const char *function, int error, const char *format, ...) {}

// ALSA tells of every piece that came late, at any time.
static void silence_alsa(void) {
    void *alsa = dlopen("libasound.so.2", RTLD_NOW | RTLD_NOLOAD);
    int (*set_handler)(void (*)(const char *, int, const char *, int, const char *, ...)) = NULL;
    if (alsa) set_handler = (__typeof__(set_handler))dlsym(alsa, "snd_lib_error_set_handler");
    if (set_handler) set_handler(say_nothing);
}

static void open_library(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    problem = LIBRARY " is of another version";
#define FIND(member, name) \
    if (!(pa.member = (__typeof__(pa.member))dlsym(library, name))) return;
    FIND(initialize, "Pa_Initialize")
    FIND(error_text, "Pa_GetErrorText")
    FIND(open, "Pa_OpenDefaultStream")
    FIND(start, "Pa_StartStream")
    FIND(read, "Pa_ReadStream")
    FIND(write, "Pa_WriteStream")
    FIND(close, "Pa_CloseStream")
    int error = pa.initialize();
    silence_alsa();
    problem = error ? pa.error_text(error) : NULL;
}

const char *cpa_library(void) { return LIBRARY; }

static const char *open_stream(void **stream, int inputs, int outputs, double rate, unsigned long samples) {
    int error = pa.open(stream, inputs, outputs, pa_int16, rate, samples, NULL, NULL);
    if (error) {
        *stream = NULL;
        if (error != pa_device_unavailable) return pa.error_text(error);
        return inputs ? "no microphone is to be had" : "no loudspeaker is to be had";
    }
    error = pa.start(*stream);
    return error ? pa.error_text(error) : NULL;
}

const char *cpa_open(double rate, unsigned long samples, void **input, void **output) {
    *input = *output = NULL;
    int saved = silence();
    pthread_once(&once, open_library);
    const char *error = problem;
    if (!error) error = open_stream(output, 0, 1, rate, samples);
    if (!error) error = open_stream(input, 1, 0, rate, samples);
    if (error && pa.close) {
        cpa_close(*input, *output);
        *input = *output = NULL;
    }
    end_silence(saved);
    return error;
}

int cpa_read(void *input, int16_t *samples, unsigned long count) {
    int error = pa.read(input, samples, count);
    return error == pa_input_overflowed ? 0 : error;
}

int cpa_write(void *output, const int16_t *samples, unsigned long count) {
    int error = pa.write(output, samples, count);
    return error == pa_output_underflowed ? 0 : error;
}

void cpa_close(void *input, void *output) {
    if (input) pa.close(input);
    if (output) pa.close(output);
}
