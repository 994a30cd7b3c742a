#include "os/accept_queue.h"

#include "base/error.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* For a listener, tcp_get_info() puts the queue's length and limit where a connection has its
 * unacknowledged and its selectively acknowledged packets (Linux 2.6.24). */
int accept_queue_look(int fd, struct accept_queue *ret_queue)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return error_from_errno();
    *ret_queue = (struct accept_queue){
        .listening = info.tcpi_state == TCP_LISTEN,
        .waiting = info.tcpi_state == TCP_LISTEN ? info.tcpi_unacked : 0,
        .room = info.tcpi_state == TCP_LISTEN ? info.tcpi_sacked : 0,
    };
    return 0;
}
