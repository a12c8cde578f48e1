"""The way a bulletin travels.

read_bulletin(file)      -> Bulletin              bulletin/      what was written
compared(bulletin)       -> Bulletin              verses         do its quotations stand there?
check(bulletin, email)   -> [Finding]             checks         may it go out?
render(bulletin, look)   -> RenderedEmail         rendering      how it looks
draft / approve          -> Issue                 issue          a decision, on record
at / every               -> slot                  schedule       when
freeze(issue)            -> deliveries, batches   dispatch/      to whom, fixed
submit(batch, provider)  -> [Outcome]             dispatch/, providers/
apply(event)             -> delivery, suppression events         what became of it
report(issue)            -> Report                report         it adds up
"""
